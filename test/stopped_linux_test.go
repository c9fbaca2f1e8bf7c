package test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestB18StoppedDaemon: a daemon that was stopped while slots passed makes up for them as soon as it continues.
func TestB18StoppedDaemon(t *testing.T) {
	t.Parallel()
	testStoppedOverSlots(t, func(s *server) (stop, resume func()) {
		send := func(sig syscall.Signal) func() {
			return func() {
				if err := syscall.Kill(s.daemonPID(), sig); err != nil {
					t.Fatal(err)
				}
			}
		}
		return send(syscall.SIGSTOP), send(syscall.SIGCONT)
	})
}

// TestB18FrozenDaemon: the same for a frozen control group, which is how containers are paused. No signal says that it
// continues.
func TestB18FrozenDaemon(t *testing.T) {
	needRoot(t, "only root can make a control group to freeze")
	t.Parallel()
	testStoppedOverSlots(t, freezer)
}

// testStoppedOverSlots stops a daemon right after a slot, for four more slots and a second. When it continues, it must
// start the run that makes up for them before the next slot. A daemon that waits in poll(2) with a timeout is late: the
// timeout does not count the time during which it was stopped.
func testStoppedOverSlots(t *testing.T, stopper func(*server) (stop, resume func())) {
	const every = 3 * time.Second
	s := newServer(t)
	s.writeJobs("job.toml", "cmd = [\"true\"]\nevery = \"3s\"\n")
	s.startReady()
	stop, resume := stopper(s)
	s.waitIntents(1)
	s.waitLastRun("job") // so that the daemon is not stopped while it starts the run
	stop()
	before := s.waitIntents(1)
	last := before[len(before)-1].Slot
	time.Sleep(time.Until(last.Add(4*every + time.Second))) // slots pass by the clock, so there is no event to wait for
	resumed := time.Now()
	resume()
	next := s.waitIntents(len(before) + 1)[len(before)]
	fmt.Printf("%s: the intent of the run that makes up for four slots is from %d ms after the daemon continued\n", t.Name(),
		next.At.Sub(resumed.Truncate(time.Millisecond)).Milliseconds())
	if passed := next.Slot.Sub(last); passed != 4*every {
		t.Errorf("the next run is for the slot %v after the last one before the stop, want %v: the daemon did not notice it in time", passed, 4*every)
	}
	s.terminate()
}

// intentRecord is what the journal says about a run before it starts.
type intentRecord struct {
	Kind     string
	At, Slot time.Time
}

// waitIntents waits until the journal has n intents, and returns them.
func (s *server) waitIntents(n int) (list []intentRecord) {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("%d intents in the journal", n), func() bool {
		list = nil
		f, err := os.Open(filepath.Join(s.root, "state", "history.jsonl"))
		if err != nil {
			return false
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var r intentRecord
			if json.Unmarshal(lines.Bytes(), &r) == nil && r.Kind == "intent" {
				list = append(list, r)
			}
		}
		return len(list) >= n
	})
	return list
}

// freezer puts the daemon into a control group of its own, and returns what freezes it and what thaws it.
func freezer(s *server) (stop, resume func()) {
	t := s.t
	for _, c := range []struct{ parent, file, stop, resume string }{
		{"/sys/fs/cgroup", "cgroup.freeze", "1", "0"},
		{"/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0"},
		{"/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED"},
	} {
		dir := filepath.Join(c.parent, fmt.Sprintf("jobsd-test-%d", os.Getpid()))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		state := filepath.Join(dir, c.file)
		if writeKernelFile(state, c.resume) != nil || writeKernelFile(filepath.Join(dir, "cgroup.procs"), strconv.Itoa(s.daemonPID())) != nil {
			os.Remove(dir)
			continue
		}
		t.Cleanup(func() { // a frozen process does not even die
			writeKernelFile(state, c.resume)
			if s.cmd != nil {
				s.kill(syscall.SIGKILL)
			}
			if err := poll(waitLimit, nil, func() bool { return os.Remove(dir) == nil }); err != nil {
				t.Errorf("cannot remove %s: %v", dir, err)
			}
		})
		set := func(value string) func() {
			return func() {
				if err := writeKernelFile(state, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		return set(c.stop), set(c.resume)
	}
	t.Skip("no control group can be frozen here")
	return nil, nil
}

// writeKernelFile writes to a file of a control group. It creates none.
func writeKernelFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
