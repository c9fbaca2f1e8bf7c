package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// diskUsage returns how many bytes the files of a directory use on the disk, and the size of the largest file.
func diskUsage(t *testing.T, dir string) (all, largest int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil {
			all += info.Sys().(*syscall.Stat_t).Blocks * 512
			largest = max(largest, info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, largest
}

// TestLogOfHoles: a job makes its log a tebibyte long without writing to it. Nobody copies any of that when the log is
// rotated. Other jobs continue as usual.
func TestLogOfHoles(t *testing.T) {
	s := newServer(t)
	const size, most = 1 << 40, 1 << 20
	s.writeJobs("jobs.toml", fmt.Sprintf(`
[[jobs]]
name = "holes"
shell = "echo first; truncate -s %d $JOBSD_ROOT/log/holes.log; echo last; until [ -e $JOBSD_ROOT/more ]; do sleep 0.05; done; head -c 3000000 /dev/zero; echo ended; exec sleep 1000"
log = {max_size = %d, keep = 2}
[[jobs]]
name = "beat"
every = "1s"
cmd = ["true"]
`, size, most))
	s.startReady()
	log := filepath.Join(s.root, "log")
	beats := func(n uint64) {
		t.Helper()
		from := s.readState().Jobs["beat"].Runs
		s.waitState("another job to run", func(state *statefile.State) bool { return state.Jobs["beat"].Runs >= from+n })
	}
	s.jobsd("start", "holes")
	s.waitFor("the log to be long", func() bool { _, largest := diskUsage(t, log); return largest >= size })
	beats(3) // the daemon has looked at the log meanwhile
	if all, _ := diskUsage(t, log); all > 8*most {
		t.Errorf("the logs use %d bytes, want at most %d", all, 8*most)
	}
	if state := s.readState(); len(state.Daemon.Degraded) > 0 {
		t.Errorf("got degraded %q, want nothing", state.Daemon.Degraded)
	}
	writeFile(t, filepath.Join(s.root, "more"), "")
	s.waitFor("the log to be rotated", func() bool {
		st, err := os.Stat(filepath.Join(log, "holes.log"))
		return err == nil && st.Size() < 4*most
	})
	beats(1)
	if all, _ := diskUsage(t, log); all > 8*most {
		t.Errorf("at the end the logs use %d bytes, want at most %d", all, 8*most)
	}
	s.terminate()
}
