package notify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
	"jobsd/internal/testdir"
	"jobsd/spawn"
	"jobsd/statefile"
)

// patience limits how long a test waits before it fails. It says nothing about how long things may take.
const patience = 30 * time.Second

// reaper is for all tests, because there can be only one in a process. So no test here uses os/exec.
var reaper *children

func TestMain(m *testing.M) {
	var err error
	if reaper, err = newChildren(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	remove := testdir.Open()
	code := m.Run()
	remove()
	os.Exit(code)
}

// long are limits that no test reaches.
var long = limits{command: patience, grace: patience, group: patience, http: patience, message: patience, log: patience, last: patience}

const brief = 50 * time.Millisecond

func newTest(l limits) *deliverer {
	return &deliverer{limits: l, children: reaper, client: newClient("1.2.3"), slots: make(chan struct{}, maxAtOnce)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// deliver delivers a message and fails if that never ends.
func deliver(t testing.TB, d *deliverer, m *Message) Result {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got := make(chan Result, 1)
	go func() { got <- d.deliver(ctx, m) }()
	select {
	case r := <-got:
		return r
	case <-time.After(2 * patience):
		t.Fatal("the delivery does not end")
		return Result{}
	}
}

func write(t testing.TB, path, text string, mode os.FileMode) string {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), mode))
	must(t, os.Chmod(path, mode))
	return path
}

func shell(script string) *spawn.Command {
	return &spawn.Command{Path: "/bin/sh", Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}, Umask: -1}
}

var (
	began = statefile.At(time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC))
	over  = statefile.At(time.Date(2026, 3, 1, 4, 0, 2, 500e6, time.UTC))
)

// failed is the event that run 7 of the job backup exited with 3.
func failed() Event {
	code := 3
	return Event{ID: "s-12", Description: "Save everything", Notification: statefile.Notification{ID: 12, At: over, Job: "backup", Kind: "failure",
		Via: "phone", Run: &statefile.Run{Run: 7, Slot: began, Reason: statefile.ReasonSchedule, Attempt: 1, StartedAt: began, EndedAt: over, Duration: statefile.Seconds(2500 * time.Millisecond),
			Outcome: statefile.OutcomeExited, ExitCode: &code}}}
}

// event is an event of another kind about the same run.
func event(kind string) Event {
	e := failed()
	e.Kind = kind
	switch kind {
	case "start":
		e.Run = &statefile.Run{Run: 7, Slot: began, Attempt: 1, StartedAt: began}
	case "success", "recovery":
		e.Run.ExitCode = new(0)
	case "late", "slow":
		e.Run, e.Text = nil, "details"
	case "daemon", "test":
		e.Run, e.Job, e.Text = nil, "", "something about the daemon"
	}
	return e
}

func message(events ...Event) *Message {
	return &Message{Number: 5, ID: "s-12", Host: "alpha", Events: events}
}

// withOutput gives an event the output of its run.
func withOutput(t testing.TB, e Event, text string) Event {
	t.Helper()
	run := e.Run.Run
	begin, end := fmt.Sprintf("== run %d started\n", run), fmt.Sprintf("== run %d exited 3\n", run)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	path := write(t, filepath.Join(t.TempDir(), "backup.log"), "== run 1 started\nof another run\n== run 1 exited 0\n"+begin+text+end, 0o640)
	all, err := os.ReadFile(path)
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	from := strings.Index(string(all), begin)
	e.Output = &Output{Log: path, Run: run, Place: &joblog.Place{From: joblog.Position{Inode: st.Ino, At: int64(from)},
		To: &joblog.Position{Inode: st.Ino, At: int64(len(all))}, Bytes: int64(len(text)), Alone: true}}
	return e
}
