package runner

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/runner/core"
)

// TestWallTimerAlwaysArmed: the timer reports a resume from sleep and a set clock only while it is armed. So it is
// armed even if no job is due by the wall clock.
func TestWallTimerAlwaysArmed(t *testing.T) {
	timer, err := newWallTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer timer.close()
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour), {}} {
		if err := timer.arm(at); err != nil {
			t.Fatal(err)
		}
		if timeLeft(t, timer.fd) == 0 {
			t.Errorf("with a job due at %s the timer is not armed", at)
		}
	}
}

// timeLeft returns how long until a timer fires, or 0 if it is not armed.
func timeLeft(t *testing.T, fd int) time.Duration {
	t.Helper()
	var left unix.ItimerSpec
	if err := unix.TimerfdGettime(fd, &left); err != nil {
		t.Fatal(err)
	}
	return time.Duration(left.Value.Nano())
}

// expire makes a timer fire, as the kernel does when a sleep ends after its deadline.
func expire(t *testing.T, fd int) {
	t.Helper()
	spec := unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		t.Fatal(err)
	}
}

func readable(t *testing.T, fd int) bool {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func newTestBootTimer(t *testing.T) *bootTimer {
	t.Helper()
	timer, err := newBootTimer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(timer.close)
	return timer
}

// TestBootTimer arms the timer for one pair of deadlines after the other. It is set again only if it would be late.
func TestBootTimer(t *testing.T) {
	timer := newTestBootTimer(t)
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", timer.fd))
	if want := fmt.Sprintf("clockid: %d\n", unix.CLOCK_BOOTTIME); err != nil || !strings.Contains(string(info), want) {
		t.Errorf("the timer does not count sleep: got %q, %v, want %q", info, err, want)
	}
	now := clock(unix.CLOCK_BOOTTIME)
	for _, step := range []struct {
		what             string
		exact, converted time.Duration
		armed            time.Duration
	}{
		{"nothing", core.Never, core.Never, core.Never},
		{"one", now + 2*time.Hour, core.Never, now + 2*time.Hour},
		{"an earlier one", now + time.Hour, core.Never, now + time.Hour},
		{"a later one", now + 2*time.Hour, core.Never, now + time.Hour},
		{"nothing any more", core.Never, core.Never, now + time.Hour},
		{"a converted one that is hardly earlier", core.Never, now + time.Hour - bootLeeway, now + time.Hour},
		{"a converted one that is earlier", core.Never, now + time.Minute, now + time.Minute},
		{"one that is hardly earlier", now + time.Minute - 1, now + time.Minute, now + time.Minute - 1},
	} {
		if err := timer.arm(step.exact, step.converted); err != nil {
			t.Fatal(err)
		}
		if timer.armed != step.armed {
			t.Errorf("%s: armed for %v, want %v", step.what, timer.armed, step.armed)
		}
		if left := timeLeft(t, timer.fd); (left > 0) != (step.armed != core.Never) || left > step.armed-now {
			t.Errorf("%s: the timer fires after %v, want at most %v", step.what, left, step.armed-now)
		}
	}
	if err := timer.arm(now-time.Hour, core.Never); err != nil { // a deadline that has passed
		t.Fatal(err)
	}
	for _, at := range []time.Duration{now + time.Hour, core.Never} {
		if !readable(t, timer.fd) {
			t.Fatal("a timer that must have fired did not")
		}
		timer.drain()
		if err := timer.arm(at, core.Never); err != nil {
			t.Fatal(err)
		}
		if readable(t, timer.fd) {
			t.Errorf("the timer still wakes the loop after it was armed for %v", at)
		}
		expire(t, timer.fd)
	}
}

// sleepingLoop returns a loop with real timers and a fake clock, which shows the real boot time until it is changed.
func sleepingLoop(t *testing.T, keys schedule.Keys) (*loop, *fakeKernel) {
	t.Helper()
	l, k := testLoop(t, 0)
	timer, err := newWallTimer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(timer.close)
	l.timer, l.bootTimer, l.polls = timer, newTestBootTimer(t), nil
	k.clock = readClocks()
	s, errs := schedule.Parse(keys, time.UTC, k.clock.Wall)
	if errs != nil {
		t.Fatal(errs)
	}
	l.pump.Post(core.Loaded{Set: &jobfile.Set{Config: &jobfile.Config{}, Jobs: []jobfile.Job{{Def: &jobfile.Definition{
		Name: "job", ScheduleHash: 1, Argv: []string{"x"}, Schedule: s, Rules: &jobfile.Rules{CatchUp: jobfile.CatchUp{Max: -1}, Enabled: true, Log: jobfile.Log{Discard: true}, SuccessCodes: []int{0},
			StopSignal: "TERM", StopTimeout: time.Second, Umask: -1}}}}}})
	l.turn()
	return l, k
}

// TestFarDeadlines: deadlines of the monotonic clock that are far away wait in the timer, too. Near ones wait in the poll,
// which costs no system call.
func TestFarDeadlines(t *testing.T) {
	every := "10h"
	for _, test := range []struct{ left, poll, timer time.Duration }{
		{nearby / 2, nearby / 2, 10 * time.Hour},
		{nearby, -1, nearby},
		{time.Hour, -1, time.Hour},
	} {
		l, k := sleepingLoop(t, schedule.Keys{Every: &every})
		l.heartbeat = heartbeat{settings: &jobfile.Heartbeat{}, next: k.clock.Mono + test.left}
		d, err := l.arm()
		if err != nil {
			t.Fatal(err)
		}
		if d != test.poll {
			t.Errorf("with a deadline in %v the poll waits %v, want %v", test.left, d, test.poll)
		}
		if got := l.bootTimer.armed - k.clock.Boot; (got - test.timer).Abs() > time.Second {
			t.Errorf("with a deadline in %v the timer fires in %v, want %v", test.left, got, test.timer)
		}
	}
}

// TestA28SuspendedMachine: the machine sleeps for hours, and nothing else happens. Only a timer tells the loop that the
// sleep has ended: the one on the boot clock, because its deadline has passed, or the one on the wall clock, because the
// kernel cancels it. The poll has no timeout, which would not count the sleep. The loop makes up for the missed slots at
// once.
func TestA28SuspendedMachine(t *testing.T) {
	every := "1h"
	for name, test := range map[string]struct {
		keys schedule.Keys
		fd   func(l *loop) int
	}{
		"every, by the boot clock":  {schedule.Keys{Every: &every}, func(l *loop) int { return l.bootTimer.fd }},
		"every, by the wall clock":  {schedule.Keys{Every: &every}, func(l *loop) int { return l.timer.fd }},
		"a time, by the wall clock": {schedule.Keys{StartAt: []string{"12:00"}}, func(l *loop) int { return l.timer.fd }},
	} {
		t.Run(name, func(t *testing.T) {
			l, k := sleepingLoop(t, test.keys)
			d, err := l.arm()
			if err != nil {
				t.Fatal(err)
			}
			if d >= 0 {
				t.Errorf("the poll waits only %v, want no limit", d)
			}
			l.refreshPolls()
			const slept = 50 * time.Hour
			k.clock.Wall, k.clock.Boot = k.clock.Wall.Add(slept), k.clock.Boot+slept
			expire(t, test.fd(l))
			woken := make(chan error)
			go func() { woken <- l.poll(d) }()
			select {
			case err := <-woken:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the end of the sleep did not wake the loop")
			}
			l.turn()
			l.prepare()
			l.turn()
			if k.pid != 1 {
				t.Errorf("%d runs started, want one that makes up for the sleep", k.pid)
			}
			if _, err := l.arm(); err != nil {
				t.Fatal(err)
			}
			if readable(t, test.fd(l)) {
				t.Error("the timer still wakes the loop")
			}
		})
	}
}
