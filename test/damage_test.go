package test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

// newServerWithHistory returns a server whose daemon has ended and left a history in several files, and its last state.
func newServerWithHistory(t *testing.T) (*server, *statefile.State) {
	t.Helper()
	s := newServer(t)
	for n := range 3 {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf("at = \"2099-01-0%d 00:00\"\nshell = \"exit %d\"\n", n+1, n))
	}
	for life := range 2 {
		s.startReady()
		for n := range 6 {
			s.jobsd("start", fmt.Sprintf("j%d", n%3))
			s.waitState("it to end", func(state *statefile.State) bool {
				j := state.Jobs[fmt.Sprintf("j%d", n%3)]
				return j.Runs == uint64(2*life+n/3+1) && len(j.Running) == 0
			})
		}
		s.terminate()
		if life > 0 {
			break
		}
		journal, facts, _, err := statefile.OpenJournal(filepath.Join(s.root, "state"), 0, 0)
		if err == nil {
			err = errors.Join(journal.Rotate(facts, statefile.At(time.Now())), journal.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, s.readState()
}

// stateFiles returns the content of all files in the state directory.
func (s *server) stateFiles() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(filepath.Join(s.root, "state"))
	for _, e := range entries {
		text, readErr := os.ReadFile(filepath.Join(s.root, "state", e.Name()))
		all[e.Name()], err = string(text), errors.Join(err, readErr)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// restoreStateFiles writes these files back into the state directory, and removes all others.
func (s *server) restoreStateFiles(files map[string]string) {
	s.t.Helper()
	dir := filepath.Join(s.root, "state")
	entries, err := os.ReadDir(dir)
	for _, e := range entries { // the directory itself stays: the daemon would take another one for a copy
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	if err = errors.Join(err, os.Remove(s.log)); err != nil {
		s.t.Fatal(err)
	}
}

// damages are the ways in which a file is damaged.
var damages = []struct {
	name string
	do   func(path string, text []byte) error
	rest bool // all records of the file are still there
}{
	{"truncated", func(path string, text []byte) error { return os.Truncate(path, 20) }, false},
	{"empty", func(path string, text []byte) error { return os.Truncate(path, 0) }, false},
	{"garbage", func(path string, text []byte) error {
		return os.WriteFile(path, bytes.Repeat([]byte("\x00\xff{garbage\n"), 1000), 0o644)
	}, false},
	{"a garbage line", func(path string, text []byte) error {
		first := bytes.IndexByte(text, '\n') + 1
		return os.WriteFile(path, append(append(append([]byte{}, text[:first]...), "{garbage\n"...), text[first:]...), 0o644)
	}, true},
	{"1 GiB", func(path string, text []byte) error {
		return errors.Join(os.WriteFile(path, append(text, "\n\x00\n"...), 0o644), os.Truncate(path, 1<<30))
	}, true},
}

// TestA19DamagedFiles: the daemon moves a damaged file aside, reports it, and continues with the files and records that
// are whole.
func TestA19DamagedFiles(t *testing.T) {
	t.Parallel()
	s, before := newServerWithHistory(t)
	files := s.stateFiles()

	// The facts from the older files of the journal alone.
	older := t.TempDir()
	for name, text := range files {
		if strings.HasPrefix(name, "history.jsonl.") {
			writeFile(t, filepath.Join(older, name), text)
		}
	}
	journal, facts, _, err := statefile.OpenJournal(older, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	journal.Close()

	for _, file := range []string{"state.json", "history.jsonl"} {
		for _, d := range damages {
			s.restoreStateFiles(files)
			if err := d.do(filepath.Join(s.root, "state", file), []byte(files[file])); err != nil {
				t.Fatal(err)
			}
			what := file + ", " + d.name
			last := uint64(0)
			s.start()
			s.waitLoggedTimes(1, "ready") // before that, the state file may be the damaged one
			state := s.waitReady()
			if all := state.Daemon.DisabledBy; (all != nil) != (file == "history.jsonl" && d.name != "a garbage line") {
				t.Errorf("%s: got all jobs disabled by %+v, want them disabled: %t", what, all, all == nil)
			} else if all != nil {
				if !strings.Contains(all.Reason, "damaged") || s.waitLogged("jobsd enable --all") != 1 {
					t.Errorf("%s: got the reason %q, want it to say that the journal is damaged", what, all.Reason)
				}
				s.jobsd("enable", "--all")
				state = s.waitState("all jobs to be enabled", func(state *statefile.State) bool { return state.Daemon.DisabledBy == nil })
			}
			aside, _ := filepath.Glob(filepath.Join(s.root, "state", file+".bad-*"))
			if len(aside) != 1 || s.waitLogged(file, "was damaged") != 1 || s.waitLogged("moved aside as", filepath.Base(strings.Join(aside, ""))) != 1 {
				log, _ := os.ReadFile(s.log)
				t.Errorf("%s: moved aside as %q, want one file and a message\n%s", what, aside, log)
			}
			switch {
			case file == "state.json" || d.rest:
				if !reflect.DeepEqual(jobsAsJSON(t, state.Jobs), jobsAsJSON(t, before.Jobs)) {
					t.Errorf("%s: got  %v\nwant %v", what, jobsAsJSON(t, state.Jobs), jobsAsJSON(t, before.Jobs))
				}
			default:
				for name, j := range state.Jobs {
					if f := facts.Jobs[name]; j.Runs != f.Runs || j.Failures != f.Failures {
						t.Errorf("%s: %s: got %d runs and %d failures, want %d and %d as in the older files", what, name, j.Runs, j.Failures, f.Runs, f.Failures)
					}
				}
			}
			for _, j := range state.Jobs {
				if j.LastRun != nil {
					last = max(last, j.LastRun.Run)
				}
			}
			fds := s.restingDescriptors()
			s.jobsd("start", "j0")
			s.waitState("a run", func(state *statefile.State) bool { return state.Jobs["j0"].LastRun.Run > last })
			s.checkMemory()
			s.checkSound(fds)
			s.terminate()
			for _, path := range aside { // a file of 1 GiB, by its size
				os.Remove(path)
			}
		}
	}
}

// peakMemory returns the largest amount of memory that a process has had, in KiB, or 0 if the system does not tell.
func peakMemory(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Log("no /proc: ", err)
	}
	return statusField(string(status), "VmHWM:")
}

// TestA19StateFileDeleted: the daemon makes a deleted state file again from the journal.
func TestA19StateFileDeleted(t *testing.T) {
	t.Parallel()
	s, before := newServerWithHistory(t)
	if err := os.Remove(filepath.Join(s.root, "state", "state.json")); err != nil {
		t.Fatal(err)
	}
	s.startReady()
	if got, want := jobsAsJSON(t, s.readState().Jobs), jobsAsJSON(t, before.Jobs); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	s.terminate()
}

// TestA19NewerVersion: the daemon refuses to start on a file of a newer version, and changes no file.
func TestA19NewerVersion(t *testing.T) {
	t.Parallel()
	s, _ := newServerWithHistory(t)
	files := s.stateFiles()
	for _, file := range []string{"state.json", "history.jsonl", "history.jsonl.1"} {
		s.restoreStateFiles(files)
		text := strings.Replace(files[file], fmt.Sprintf(`"version":%d`, statefile.Version), fmt.Sprintf(`"version":%d`, statefile.Version+1), 1)
		if text == files[file] {
			t.Fatalf("%s has no version", file)
		}
		writeFile(t, filepath.Join(s.root, "state", file), text)
		if file == "history.jsonl.1" { // the daemon reads this file only if the newest one is not whole
			writeFile(t, filepath.Join(s.root, "state", "history.jsonl"), "")
		}
		want := s.stateFiles()
		out, err := s.command("run").CombinedOutput()
		exit, _ := errors.AsType[*exec.ExitError](err)
		if exit == nil || exit.ExitCode() != 7 || !bytes.Contains(out, []byte("newer")) {
			t.Errorf("%s: got %v, want exit code 7 and a message about a newer version\n%s", file, err, out)
		}
		if got := s.stateFiles(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the daemon changed files: got\n%v\nwant\n%v", file, got, want)
		}
		os.WriteFile(s.log, nil, 0o644)
	}
}
