package runner

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/notify"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// deliveries is a loop that does nothing but deliver.
type deliveries struct {
	*testing.T
	*delivering
	results map[uint64]string // errors, by message
	ahead   time.Duration     // of the clock
}

func newDeliveries(t *testing.T) *deliveries {
	if err := spawn.Prepare(); err != nil {
		t.Fatal(err)
	}
	d := &deliveries{T: t, results: map[uint64]string{}}
	began := time.Now()
	d.delivering = newDelivering(func(e core.Event) {
		if e, ok := e.(core.Delivered); ok {
			d.results[e.Number] = e.Error
		}
	}, func() time.Duration { return time.Hour + time.Since(began) + d.ahead })
	t.Cleanup(d.finish)
	return d
}

// command sends a message whose command writes the number of its process to a file. Then the command continues.
func (d *deliveries) command(number uint64, then string) (pidFile string) {
	pidFile = filepath.Join(d.TempDir(), "pid")
	event := notify.Event{ID: "e", Notification: statefile.Notification{ID: number, Job: "j", Kind: "failure", Via: "on_failure"}}
	d.send(&notify.Message{Number: number, ID: "m", Events: []notify.Event{event}, Command: &spawn.Command{Path: "/bin/sh",
		Argv: []string{"sh", "-c", `echo $$ >"$1.new"; mv "$1.new" "$1"; ` + then, "sh", pidFile},
		Env:  []string{"PATH=/usr/bin:/bin"}, Umask: -1}})
	return pidFile
}

func (d *deliveries) until(what string, done func() bool) {
	d.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); unix.Poll([]unix.PollFd{d.poll()}, 2) {
		for x, ok := spawn.Reap(); ok; x, ok = spawn.Reap() {
			d.reaped(x)
		}
		if d.socket >= 0 {
			d.receive()
		}
		d.expire()
		if time.Now().After(end) {
			d.Fatalf("waited too long until %s; results: %v", what, d.results)
		}
	}
}

// pid waits until the command of a message runs, and returns its pid.
func (d *deliveries) pid(number uint64, file string) (pid int) {
	d.Helper()
	d.until("the command runs", func() bool {
		text, err := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		_, known := d.running[number]
		return err == nil && known
	})
	return pid
}

func hasEnded(pid int) bool { return unix.Kill(pid, 0) == unix.ESRCH }

const forEver = "trap '' TERM; sleep 1000 & while :; do sleep 0.01; done"

// TestDelivererKilled: the commands of a deliverer that was killed end before the next deliverer starts, because that one
// starts them again.
func TestDelivererKilled(t *testing.T) {
	d := newDeliveries(t)
	pid := d.pid(1, d.command(1, forEver))
	spawn.SignalLeader(d.process, syscall.SIGKILL)
	d.until("the message has failed", func() bool { return d.results[1] != "" })
	d.command(1, "kill -0 "+strconv.Itoa(pid)+" && exit 3; exit 0")
	d.until("the message is delivered", func() bool { return d.results[1] == "" })
	d.until("the command has ended", func() bool { return hasEnded(pid) })
}

// TestDelivererStuck: a deliverer that gives no answer in time is replaced. If it does not end by itself, it is killed.
func TestDelivererStuck(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		d := newDeliveries(t)
		pid := d.pid(1, d.command(1, forEver))
		first := d.process.PID
		if stopped {
			spawn.SignalLeader(d.process, syscall.SIGSTOP)
		}
		d.ahead += deliverTime
		d.until("the message has failed", func() bool { return d.results[1] != "" })
		d.command(2, "exit 0")
		if stopped {
			if d.process.PID != first {
				t.Error("a deliverer has started beside the one that is stuck")
			}
			d.ahead += deliverEnd
		}
		d.until("the next message is delivered", func() bool { r, ok := d.results[2]; return ok && r == "" })
		d.until("the command has ended", func() bool { return hasEnded(pid) })
		if d.process.PID == first {
			t.Error("the deliverer was not replaced")
		}
	}
}

// TestDelivererFinishes: at the end of a daemon the commands of its deliverer end, before the next daemon can start them
// again.
func TestDelivererFinishes(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		d := newDeliveries(t)
		pid := d.pid(1, d.command(1, forEver))
		if stopped {
			spawn.SignalLeader(d.process, syscall.SIGKILL) // nothing has reaped it yet
		}
		d.finish()
		d.until("the orphans are reaped", func() bool { return hasEnded(pid) })
		if d.process.PID != 0 || d.socket >= 0 || len(d.results) > 0 {
			t.Errorf("process %d, socket %d, results %v", d.process.PID, d.socket, d.results)
		}
	}
}
