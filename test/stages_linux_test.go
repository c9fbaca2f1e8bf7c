package test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"jobsd/internal/recorder"
	"jobsd/spawn/shim"
)

// A shim becomes the program of its job before the other packages are initialised, which would cost more than all that
// it does. If this test fails, a package that spawn/shim imports is now initialised too late, see its documentation.
func TestShimStartsBeforeOtherPackages(t *testing.T) {
	i := shim.Instructions{Path: needProgram(t, "true", "a program that does nothing"), Args: []string{"true"}, Umask: -1}
	status, trace := runShim(t, append(i.Environ(), "GODEBUG=inittrace=1"))
	if status != "+" {
		t.Errorf("the shim reports %q", status)
	}
	for _, name := range initialised(t, trace) {
		first, _, _ := strings.Cut(name, "/")
		switch {
		case strings.Contains(first, "."), first == "jobsd", first == "net", first == "os", name == "fmt", name == "time",
			name == "reflect", name == "unicode", name == "encoding/json":
			t.Errorf("the shim initialises package %s", name)
		}
	}
}

// A recorder lives as long as the daemon. What it does not use must not take its memory.
func TestRecorderStartsBeforeOtherPackages(t *testing.T) {
	cmd := exec.Command(os.Args[0], recorder.StageArg)
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("jobsd recorder: ")) { // it misses its descriptors
		t.Fatalf("%v: %s", err, out)
	}
	names := initialised(t, string(out))
	for _, name := range []string{"net/http", "github.com/spf13/cobra", "jobsd/internal/jobfile", "jobsd/internal/cli"} {
		if slices.Contains(names, name) {
			t.Errorf("the recorder initialises package %s", name)
		}
	}
	if !slices.Contains(names, "time/tzdata") {
		t.Error("the recorder has no time zones on a machine without a zone database")
	}
}

// initialised returns the names of the packages in the trace of their initialisation.
func initialised(t *testing.T, trace string) (names []string) {
	t.Helper()
	for line := range strings.Lines(trace) {
		if rest, ok := strings.CutPrefix(line, "init "); ok {
			name, _, _ := strings.Cut(rest, " @")
			names = append(names, name)
		}
	}
	if !slices.Contains(names, "runtime") {
		t.Fatalf("no trace of the initialisation: %q", trace)
	}
	return names
}

// Without the argument of a shim, instructions in the environment start nothing.
func TestInstructionsNeedTheArgument(t *testing.T) {
	i := shim.Instructions{Path: "/bin/false", Args: []string{"false"}, Umask: -1}
	cmd := exec.Command(os.Args[0], "-test.list=TestNothing")
	cmd.Env = i.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the program did not run: %v\n%s", err, out)
	}
}

// runShim runs this program as a shim. It returns what the shim wrote to the daemon and to standard error.
func runShim(t *testing.T, env []string) (status, stderr string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var text bytes.Buffer
	cmd := exec.Command(os.Args[0], shim.Arg)
	cmd.Env, cmd.ExtraFiles, cmd.Stderr = env, []*os.File{w}, &text
	err = cmd.Run()
	w.Close()
	if err != nil {
		t.Fatalf("the shim ended with %v: %s", err, text.String())
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.String(), text.String()
}
