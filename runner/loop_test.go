package runner

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/runner/core"
	"jobsd/signals"
	"jobsd/spawn"
	"jobsd/statefile"
)

// fakeKernel is a system without processes. It records in calls what it was asked for.
type fakeKernel struct {
	clock   core.Now
	forkFor time.Duration // how long one fork takes
	pid     int
	exits   []spawn.Exit // to be reaped
	orphans int          // the number of other processes that are reaped after them
	fail    error        // the result of every start
	panics  int          // the number of starts that panic
	calls   []string

	survivors map[uint64]survivor // runs of an earlier daemon
}

func (k *fakeKernel) now() core.Now { return k.clock }
func (k *fakeKernel) readClocks()   {}

func (k *fakeKernel) pass(d time.Duration) {
	k.clock.Wall, k.clock.Boot, k.clock.Mono = k.clock.Wall.Add(d), k.clock.Boot+d, k.clock.Mono+d
}

func (k *fakeKernel) start(_ uint64, c *spawn.Command) (spawn.Process, *spawn.Handshake, error) {
	k.pass(k.forkFor)
	if k.panics--; k.panics >= 0 {
		panic("not today")
	}
	if k.fail != nil {
		return spawn.Process{FD: -1}, nil, k.fail
	}
	k.pid++
	k.calls = append(k.calls, fmt.Sprint("start ", c.Argv[0], " output ", c.Output >= 0))
	return spawn.Process{PID: k.pid, FD: -1}, nil, nil
}

func (k *fakeKernel) reap() (spawn.Exit, bool) {
	if len(k.exits) == 0 {
		k.pass(10 * time.Microsecond)
		k.orphans--
		return spawn.Exit{PID: 1 << 20}, k.orphans >= 0
	}
	x := k.exits[0]
	k.exits = k.exits[1:]
	k.calls = append(k.calls, fmt.Sprint("reap ", x.PID))
	return x, true
}

func (k *fakeKernel) signalLeader(p spawn.Process, sig syscall.Signal) error { return k.signal(p, sig) }

func (k *fakeKernel) signal(p spawn.Process, sig syscall.Signal) error {
	k.calls = append(k.calls, fmt.Sprint("signal ", p.PID, " ", spawn.SignalName(sig)))
	return nil
}

func (k *fakeKernel) left(*spawn.Process) (int, bool)    { return 0, false }
func (k *fakeKernel) survivor(l statefile.Live) survivor { return k.survivors[l.Run] }
func (k *fakeKernel) sweep()                             {}
func (k *fakeKernel) unforked(uint64)                    {}
func (k *fakeKernel) ended(spawn.Process) (spawn.Process, bool) {
	return spawn.Process{FD: -1}, false
}
func (k *fakeKernel) leaveEvidence()                          {}
func (k *fakeKernel) close()                                  {}
func (k *fakeKernel) release(p spawn.Process)                 { p.Close() }
func (k *fakeKernel) spare() bool                             { return false }
func (k *fakeKernel) shrink() bool                            { return false }
func (k *fakeKernel) status(spawn.Process) (spawn.Exit, bool) { return spawn.Exit{}, false }

// testLoop returns a loop on a fake kernel, with a disk that does nothing until the test calls prepare.
func testLoop(t *testing.T, jobs int) (*loop, *fakeKernel) {
	t.Helper()
	k := &fakeKernel{clock: core.Now{Wall: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), Boot: time.Hour, Mono: time.Hour}}
	pump, err := signals.New[any](syscall.SIGHUP, syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pump.Close)
	at := "2026-06-01 12:01"
	set := &jobfile.Set{Config: &jobfile.Config{}}
	for n := range jobs {
		s, errs := schedule.Parse(schedule.Keys{At: &at}, time.UTC, k.clock.Wall)
		if errs != nil {
			t.Fatal(errs)
		}
		set.Jobs = append(set.Jobs, jobfile.Job{Def: &jobfile.Definition{Name: fmt.Sprintf("job%04d", n), Argv: []string{"x"},
			Schedule: s, Rules: &jobfile.Rules{Enabled: true, Log: jobfile.Log{Discard: true}, SuccessCodes: []int{0}, StopSignal: "TERM", StopTimeout: time.Second, Umask: -1}}})
	}
	l := &loop{sys: k, pump: pump, timer: &wallTimer{fd: -1}, bootTimer: &bootTimer{fd: -1}, disk: &disk{in: newInbox[[]any]()},
		log:  &logger{Logger: hclog.NewNullLogger()},
		self: &jobfile.User{}, byRun: map[uint64]*process{}, byPID: map[int]*process{},
		loader: &loader{wake: make(chan struct{}, 1)}, searcher: &searcher{in: newInbox[searchRequest]()}}
	l.delivering = newDelivering(l.handle, func() time.Duration { return k.clock.Mono })
	l.recording = newRecording(Options{Dirs: jobfile.Dirs{Log: t.TempDir(), Run: t.TempDir()}}, "id", false, jobfile.Output{Output: "files"}, l.log, l.handle, func() time.Duration { return k.clock.Mono })
	l.core = core.New(core.Options{Strict: true}, statefile.NewFacts("id"), k.clock)
	l.core.Begin(k.clock, statefile.Start{})
	l.pump.Post(core.Loaded{Set: set})
	l.turn()
	return l, k
}

// prepare handles the requests to the disk and returns how many runs it prepared.
func (l *loop) prepare() (n int) {
	for _, batch := range l.disk.in.Take() {
		for _, op := range batch {
			if p, ok := op.(core.Prepare); ok {
				l.pump.Post([]prepared{{run: p.Run}})
				n++
			}
		}
	}
	return n
}

// TestOrphansWithoutEnd: a job that leaves behind processes faster than they can be reaped does not hold up a turn. The
// next turns reap the rest.
func TestOrphansWithoutEnd(t *testing.T) {
	l, k := testLoop(t, 1)
	const number = 1_000_000
	k.orphans = number
	began := k.clock.Mono
	l.turn()
	if took := k.clock.Mono - began; took > time.Second {
		t.Errorf("a turn took %v", took)
	}
	if err := l.wait(); err != nil { // it must return at once, because there is more to reap
		t.Fatal(err)
	}
	for range number {
		if k.orphans < 0 {
			return
		}
		l.turn()
	}
	t.Errorf("%d are left", k.orphans)
}

func TestNoSignalAfterReap(t *testing.T) {
	l, k := testLoop(t, 2)
	k.pass(time.Minute)
	l.turn()
	l.prepare()
	l.turn()
	k.calls = nil
	k.exits = []spawn.Exit{{PID: 1}}
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
	for deadline := time.Now().Add(10 * time.Second); len(k.calls) < 3 && time.Now().Before(deadline); {
		l.turn()
	}
	want := []string{"reap 1", "signal 2 TERM", "signal 2 CONT"}
	if !slices.Equal(k.calls, want) {
		t.Errorf("calls %q, want %q", k.calls, want)
	}
}

// If a thousand jobs are due at once, the intents of the first ones go to the disk before the others are looked at, and
// the loop does not wait before it has looked at all of them.
func TestFirstOfHerd(t *testing.T) {
	l, k := testLoop(t, 1000)
	k.pass(time.Minute)
	l.turn()
	if n := l.prepare(); n != firstDue {
		t.Errorf("the first turn prepared %d runs, want %d", n, firstDue)
	}
	n := firstDue
	for turns := 1; n < 1000; turns++ {
		if err := l.wait(); err != nil { // it must return at once
			t.Fatal(err)
		}
		l.turn()
		if n += l.prepare(); turns > 10 {
			t.Fatalf("after %d turns, %d runs are prepared", turns, n)
		}
	}
}

// TestStateWaitsForHerd: the state is not published while many runs are about to start, but it does not wait for ever.
func TestStateWaitsForHerd(t *testing.T) {
	l, k := testLoop(t, 100)
	published := func() bool {
		return slices.ContainsFunc(slices.Concat(l.disk.in.Take()...), func(op any) bool { _, ok := op.(publish); return ok })
	}
	published()
	k.pass(time.Minute)
	if l.turn(); published() {
		t.Error("the state is published although many runs are about to start")
	}
	k.pass(herdWait)
	if l.turn(); !published() {
		t.Error("the state is not published although it has waited long enough")
	}
}

// A thousand jobs that are due at once are started over several turns, so that the daemon keeps handling events.
func TestForksAreShared(t *testing.T) {
	l, k := testLoop(t, 1000)
	k.forkFor = time.Millisecond
	k.pass(time.Minute)
	l.turn()
	most, turns := 0, 0
	for k.pid < 1000 {
		before := k.pid
		if n := l.prepare(); n > 300 {
			t.Fatalf("%d logs are opened at once", n)
		}
		l.turn()
		most = max(most, k.pid-before)
		if turns++; turns > 1000 {
			t.Fatal("the forks do not come to an end")
		}
	}
	if limit := int(forkShare/k.forkFor) + 1; most > limit {
		t.Errorf("%d forks in one turn, want at most %d", most, limit)
	}
}

// A disk that does not answer does not keep a job from running. Its late answer changes nothing.
func TestUnansweredIntent(t *testing.T) {
	l, k := testLoop(t, 1)
	k.pass(time.Minute)
	l.turn()
	if k.pid != 0 {
		t.Fatal("forked before the intent was durable")
	}
	k.pass(3 * time.Second)
	l.turn()
	if k.pid != 1 || !slices.Contains(k.calls, "start x output false") {
		t.Fatalf("calls %q", k.calls)
	}
	l.prepare()
	l.turn()
	if k.pid != 1 {
		t.Errorf("started %d times", k.pid)
	}
}

// A fork that fails for lack of a resource is retried. Only a failure of the job itself becomes its outcome.
func TestForkFailures(t *testing.T) {
	l, k := testLoop(t, 1)
	k.fail = &spawn.Error{Stage: spawn.StageFork, Errno: syscall.EAGAIN}
	k.pass(time.Minute)
	l.turn()
	l.prepare()
	l.turn()
	if w := l.core.Wait(); w.For != time.Second {
		t.Errorf("tries again after %v, want 1s", w.For)
	}
	k.fail = nil
	k.pass(time.Second)
	l.turn()
	l.prepare()
	l.turn()
	if k.pid != 1 {
		t.Error("not tried again")
	}
}

func TestInboxKeepsOrder(t *testing.T) {
	b := newInbox[int]()
	done := make(chan struct{})
	const n = 10000
	go func() {
		defer close(done)
		next := 0
		for next < n {
			<-b.wake
			for _, got := range b.Take() {
				if got != next {
					t.Errorf("got %d, want %d", got, next)
					return
				}
				next++
			}
		}
	}()
	for i := range n {
		b.put(i)
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("messages were lost")
	}
}

// An internal error in the start of one job becomes its outcome. The other jobs start.
func TestRescueFork(t *testing.T) {
	l, k := testLoop(t, 2)
	k.pass(time.Minute)
	l.turn()
	l.prepare()
	k.panics = 1
	l.turn()
	l.turn()
	started := slices.DeleteFunc(slices.Clone(k.calls), func(c string) bool { return !strings.HasPrefix(c, "start") })
	if len(started) != 1 {
		t.Errorf("calls %q", k.calls)
	}
	outcomes := 0
	for _, batch := range l.disk.in.Take() {
		for _, op := range batch {
			if f, ok := ended(op); ok && f.Outcome.Outcome == statefile.OutcomeStartError {
				outcomes++
			}
		}
	}
	if outcomes != 1 {
		t.Errorf("%d start errors", outcomes)
	}
}

// ended returns the outcome that a request to the disk records.
func ended(op any) (*statefile.Ended, bool) {
	a, _ := op.(core.Append)
	r, ok := a.Entry.Record.(*statefile.Ended)
	return r, ok
}
