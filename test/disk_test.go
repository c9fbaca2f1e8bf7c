package test

import (
	"os"
	"time"

	"jobsd/internal/cli"
	"jobsd/runner"
	"jobsd/runner/core"
)

const (
	// slowDisk is an environment variable with a duration, which each flush of the journal and each write of the state
	// file takes longer. All tests pass with it: TEST_SLOW_DISK=2.5s go test ./test
	slowDisk = "TEST_SLOW_DISK"
	// brokenDisk is an environment variable for commands while the state file cannot be written. They do not wait for it
	// longer than usual.
	brokenDisk = "TEST_BROKEN_DISK"
)

// useDisk makes the daemons and the commands of the tests wait longer for the disk. With the usual limits, a run starts
// without its log, a command returns before the state file shows what it did, and a daemon fails at its end, if the disk
// of the machine is busy for some seconds.
func useDisk() {
	core.JournalWait, runner.CloseWait = waitLimit, waitLimit
	if os.Getenv(brokenDisk) == "" {
		cli.SeenPatience = waitLimit
	}
	if pause, err := time.ParseDuration(os.Getenv(slowDisk)); err == nil {
		runner.Failpoint = func(at string) {
			if at == "appended" || at == "state" {
				time.Sleep(pause)
			}
		}
	}
}

// startUnwritten starts a job while the daemon cannot write to its state directory.
func (s *server) startUnwritten(job string) {
	s.t.Helper()
	cmd := s.command("start", job)
	cmd.Env = append(os.Environ(), brokenDisk+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("jobsd start %s: %v\n%s", job, err, out)
	}
}
