package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func openState(t *testing.T, dir string) *Writer {
	t.Helper()
	w, messages, err := OpenWriter(dir)
	if err != nil || len(messages) > 0 {
		t.Fatalf("%v, messages %q", err, messages)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func readState(t *testing.T, dir string) *State {
	t.Helper()
	s, err := ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWriter sets and removes jobs at random and reads each written file.
func TestWriter(t *testing.T) {
	r := newRand(t)
	dir := t.TempDir()
	w := openState(t, dir)
	want := State{Version: Version, Jobs: map[string]*Job{}}
	for n := range 60 {
		for range r.IntN(5) {
			name := fmt.Sprintf("job%d", r.IntN(12))
			if r.IntN(3) == 0 {
				delete(want.Jobs, name)
				w.Remove(name)
				continue
			}
			j := &Job{State: "armed", File: randomText(r), NextRun: randomTime(r)}
			want.Jobs[name] = j
			w.Update(name, j)
		}
		want.Daemon.PID = n
		w.SetDaemon(want.Daemon)
		if err := w.Write(); err != nil {
			t.Fatal(err)
		}
		got := readState(t, dir)
		want.CRC = got.CRC
		if !same(t, "state", got, &want) {
			return
		}
		if got := names(t, dir); !slices.Equal(got, []string{stateName}) {
			t.Fatalf("files: %q", got)
		}
	}
}

// TestStateLayout: the layout has one line for each job, which suits grep and diff.
func TestStateLayout(t *testing.T) {
	dir := t.TempDir()
	w := openState(t, dir)
	w.Update("b", &Job{State: "waiting"})
	w.Update("a", &Job{State: "armed"})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(read(t, dir, stateName)), "\n")
	for i, want := range []string{`{"version":3,`, `"daemon":{"pid":0,`, `"jobs":{`, `"a":{"state":"armed",`, `"b":{"state":"waiting",`, `},"crc":"`, ``} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("line %d is not %s...:\n%s", i+1, want, strings.Join(lines, "\n"))
		}
	}
	if len(lines) != 7 {
		t.Errorf("there are %d lines", len(lines))
	}
}

func TestStateModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		old := syscall.Umask(umask)
		dir := t.TempDir()
		err := openState(t, dir).Write()
		syscall.Umask(old)
		if info, e := os.Stat(filepath.Join(dir, stateName)); err != nil || e != nil || info.Mode() != 0o644 {
			t.Errorf("umask %o: %v %v %v", umask, info.Mode(), err, e)
		}
	}
}

// TestStateJq runs the jq(1) example of the manual.
func TestStateJq(t *testing.T) {
	jq, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("jq is not installed")
	}
	dir := t.TempDir()
	w := openState(t, dir)
	w.Update("backup", &Job{NextRun: someTime, LastRun: &Run{Outcome: OutcomeExited}})
	w.Update("never", &Job{})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(jq, "-r", ".jobs | to_entries[] | [.key, .value.next_run, .value.last_run.outcome] | @tsv",
		filepath.Join(dir, stateName)).CombinedOutput()
	if want := "backup\t2026-11-23T04:35:00Z\texited\nnever\t\t\n"; err != nil || string(out) != want {
		t.Errorf("%v: %q, want %q", err, out, want)
	}
}

// TestWriteFails: if any step of a write fails, the old file stays and no temporary file is left.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	w := openState(t, dir)
	w.Update("old", &Job{})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	old := read(t, dir, stateName)
	w.Update("new", &Job{})
	for failing := 1; ; failing++ {
		step, failed := 0, ""
		w.dir.step = func(name string) error {
			if step++; step == failing {
				failed = name
				return syscall.ENOSPC
			}
			return nil
		}
		err := w.Write()
		if failed == "" {
			if err != nil || failing < 4 {
				t.Errorf("%v, %d steps", err, failing)
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s fails: %v", failed, err)
		}
		if got := read(t, dir, stateName); failed != "flush" && !bytes.Equal(got, old) {
			t.Errorf("%s fails: the old file changed: %s", failed, got)
		}
		if got := names(t, dir); !slices.Equal(got, []string{stateName}) {
			t.Errorf("%s fails: files %q", failed, got)
		}
	}
	if got := readState(t, dir); len(got.Jobs) != 2 {
		t.Errorf("in the end there are %d jobs", len(got.Jobs))
	}
}

// TestA18WriteCrash: if a write stops before any of its steps, either the old or the new file exists, and it is
// complete. The next writer removes the temporary file.
func TestA18WriteCrash(t *testing.T) {
	dir := t.TempDir()
	w := openState(t, dir)
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	for n := range 3000 {
		w.Update(fmt.Sprint("job", n), &Job{}) // so that the file needs more than one write
	}
	steps := 0
	w.dir.step = func(step string) error {
		steps++
		dir := snapshot(t, dir)
		if n := len(readState(t, dir).Jobs); n != 0 && n != 3000 {
			t.Errorf("before %s: %d jobs", step, n)
		}
		openState(t, dir)
		if got := names(t, dir); !slices.Equal(got, []string{stateName}) {
			t.Errorf("before %s: files %q", step, got)
		}
		return nil
	}
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	if steps < 5 {
		t.Errorf("only %d steps", steps)
	}
}

// TestReadWhileWriting: no reader ever sees a partial file.
func TestReadWhileWriting(t *testing.T) {
	dir := t.TempDir()
	w := openState(t, dir)
	done := make(chan error)
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for n := range 50 {
			for i := range 200 {
				w.Update(fmt.Sprint("job", i), &Job{Runs: uint64(n)})
			}
			if err := w.Write(); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		state := readState(t, dir)
		for name, j := range state.Jobs {
			if j.Runs != state.Jobs["job0"].Runs {
				t.Fatalf("%s comes from another write", name)
			}
		}
	}
}

func TestStateDamaged(t *testing.T) {
	spoil := map[string]func(path string) error{
		"empty":      func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"truncated":  func(path string) error { return os.WriteFile(path, []byte(`{"version":3,"daemon":{`), 0o600) },
		"garbage":    func(path string) error { return os.WriteFile(path, []byte("\x00garbage"), 0o600) },
		"no version": func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
		"trailing":   func(path string) error { return os.WriteFile(path, []byte(`{"version":3}{}`), 0o600) },
		"huge":       func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30)) },
		"directory":  func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":       func(path string) error { return syscall.Mkfifo(path, 0o600) },
	}
	for name, spoil := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := spoil(filepath.Join(dir, stateName)); err != nil {
				t.Fatal(err)
			}
			if name != "pipe" { // opening a pipe for reading would wait for a writer
				if _, err := ReadState(dir); err == nil || errors.Is(err, ErrNewer) {
					t.Errorf("reading: %v", err)
				}
			}
			w, messages, err := OpenWriter(dir)
			if err != nil || len(messages) != 1 || !strings.Contains(messages[0], stateName+".bad-") {
				t.Fatalf("%v, messages %q", err, messages)
			}
			defer w.Close()
			if got := names(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], stateName+".bad-") {
				t.Errorf("files: %q", got)
			}
			if err := w.Write(); err != nil {
				t.Fatal(err)
			}
			readState(t, dir)
		})
	}
}

// TestStateOtherVersion: a state file of another version is refused and not changed.
func TestStateOtherVersion(t *testing.T) {
	for text, want := range map[string]error{
		`{"version":4,"daemon":"whatever"`:    ErrNewer,
		`{"version":2,"daemon":{},"jobs":{}}`: ErrOlder,
		`{"version":1}`:                       ErrOlder,
	} {
		dir := t.TempDir()
		write(t, dir, stateName, []byte(text))
		if _, _, err := OpenWriter(dir); !errors.Is(err, want) || !errors.Is(err, ErrVersion) {
			t.Errorf("%s: writer: %v", text, err)
		}
		if _, err := ReadState(dir); !errors.Is(err, want) {
			t.Errorf("%s: reader: %v", text, err)
		}
		if got := read(t, dir, stateName); string(got) != text {
			t.Errorf("%s: it was changed to %s", text, got)
		}
	}
}

func TestReadStateNone(t *testing.T) {
	if _, err := ReadState(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	dir := t.TempDir()
	write(t, dir, stateName, []byte(`{"version":3,"jobs":{"a":null}}`))
	if _, err := ReadState(dir); err == nil {
		t.Error("a job that is null was accepted")
	}
}

// TestWriterStaysHome: the writer does not touch a directory that replaced the opened one.
func TestWriterStaysHome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := openState(t, dir)
	j, facts, _ := open(t, dir)
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"write": w.Write(), "sync": j.Sync(), "rotate": j.Rotate(facts, someTime)} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if got := names(t, dir); len(got) > 0 {
		t.Errorf("files: %q", got)
	}
}

// TestUpdateMemory: a job that changes often needs no more memory.
func TestUpdateMemory(t *testing.T) {
	w := openState(t, t.TempDir())
	j := benchJob(1)
	w.Update("a", j)
	if n := testing.AllocsPerRun(100, func() { w.Update("a", j) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct{ took, wait time.Duration }{
		{-ms, 10 * ms}, {0, 10 * ms}, {ms / 2, 10 * ms}, {ms, 20 * ms}, {7 * ms, 140 * ms}, {50 * ms, time.Second},
		{time.Hour, time.Second}, {1 << 62, time.Second},
	} {
		var p Pace
		if w := p.Wait(0); w != 0 {
			t.Errorf("an idle writer waits %v", w)
		}
		now := 5 * time.Hour
		p.Wrote(now, test.took)
		for passed, want := range map[time.Duration]time.Duration{0: test.wait, test.wait - 1: 1, test.wait: 0, time.Hour: 0} {
			if got := p.Wait(now + passed); got != want {
				t.Errorf("took %v: %v later it waits %v, want %v", test.took, passed, got, want)
			}
		}
	}
}

// TestReadDaemon: ReadDaemon returns the same as the daemon part of ReadState.
func TestReadDaemon(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadDaemon(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	var state State
	fill(reflect.ValueOf(&state).Elem())
	state.Version = Version
	path := filepath.Join(dir, stateName)
	for text, want := range map[string]string{
		string(encode(&state)):            "daemon",
		`{"version":99,"daemon":{}}`:      "newer",
		`{"version":3`:                    "error",
		`{"version":3,"jobs":{}}`:         "error",
		`{"daemon":{"pid":1},"version":3`: "error",
		``:                                "error",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon, err := ReadDaemon(dir)
		got := "daemon"
		switch {
		case errors.Is(err, ErrNewer):
			got = "newer"
		case err != nil:
			got = "error"
		}
		if got != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
		if err == nil {
			same(t, "the daemon", daemon, &state.Daemon)
		}
	}
}
