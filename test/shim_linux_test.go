package test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

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
	if !strings.Contains(trace, "init runtime @") {
		t.Fatalf("no trace of the initialisation: %q", trace)
	}
	for line := range strings.Lines(trace) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "init "), " @")
		first, _, _ := strings.Cut(name, "/")
		switch {
		case strings.Contains(first, "."), first == "jobsd", first == "net", first == "os", name == "fmt", name == "time",
			name == "reflect", name == "unicode", name == "encoding/json":
			t.Errorf("the shim initialises package %s", name)
		}
	}
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
