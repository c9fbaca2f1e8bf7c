package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

func (w *world) service(name string) *jobfile.Definition {
	d := w.define(name, schedule.Keys{})
	d.KeepAlive = &jobfile.KeepAlive{Restart: jobfile.Always, Delay: time.Second, MaxDelay: 5 * time.Minute, Stable: time.Minute}
	d.ScheduleHash, d.ProcessHash = hashOf("none"), hashOf("a")
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	return d
}

// lasting makes each run last that long and end with that code.
func (w *world) lasting(d time.Duration, code int) {
	w.script = func(Start) (time.Duration, int) { return d, code }
}

// view returns the published state of a job.
func (w *world) view(name string) *statefile.Job { return w.c.view(w.c.jobs[name]) }

// gaps are the pauses between the starts of runs that end at once.
func (w *world) gaps() (list []time.Duration) {
	for i := 1; i < len(w.starts); i++ {
		list = append(list, w.starts[i]-w.starts[i-1])
	}
	return list
}

// A24: a service that dies at once is started at 0, 0, 1, 3, 7, 15.. s. From the fifth short life on it is in a crash
// loop. One mail reports the loop, and one its end.
func TestA24CrashLoop(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Millisecond, 1)
	w.put(w.service("web"))
	w.start()
	w.run(10 * time.Minute)
	want := []time.Duration{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}
	for i, gap := range w.gaps()[:len(want)] {
		pause := want[i] * time.Second
		if gap < pause || gap > pause+pause/10+50*time.Millisecond {
			t.Errorf("start %d after %v, want %v and a tenth at most", i+2, gap, pause)
		}
	}
	v := w.view("web")
	if !v.CrashLoop || v.NextTry.IsZero() || v.State != "waiting" || *v.Running[0].Why != statefile.WhyBackoff {
		t.Errorf("%+v %+v", v, v.Running)
	}
	w.run(10 * time.Hour)
	if n := len(w.view("web").Deaths); n != 20 {
		t.Errorf("%d deaths are kept", n)
	}
	for _, gap := range w.gaps()[12:] {
		if gap < 5*time.Minute || gap > 331*time.Second {
			t.Errorf("the pause is %v", gap)
		}
	}
	if got := strings.Join(w.sent, "\n"); got != "mail: web crash_loop: exited 1" {
		t.Errorf("sent %q", got)
	}
	w.lasting(time.Hour, 1)
	w.run(6 * time.Minute)
	if v := w.view("web"); v.CrashLoop || v.ConsecutiveFailures != 0 || len(v.Deaths) != 20 {
		t.Errorf("%+v", v)
	}
	if len(w.sent) != 2 || w.sent[1] != "mail: web recovery from failure" {
		t.Errorf("sent %q", w.sent)
	}
	w.replayed()
}

// A reload that stops a service in its crash loop and fixes it is a recovery like any other.
func TestCrashLoopCuredByReload(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(2*time.Second, 1)
	w.put(w.service("web"))
	w.start()
	for range 1000 {
		w.step(time.Second)
		if v := w.view("web"); v.CrashLoop && v.State == "running" {
			break
		}
	}
	w.lasting(time.Hour, 0)
	d := copyOf(w.defs[0].Def)
	d.ProcessHash = hashOf("cured")
	w.put(d)
	w.load()
	w.run(2 * time.Minute)
	if len(w.sent) != 2 || w.sent[1] != "mail: web recovery from failure" {
		w.fatal("sent %q", w.sent)
	}
	w.replayed()
}

// A25: a service that lives longer than stable is always started again at once.
func TestA25StableDeaths(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(61*time.Second, 1)
	w.put(w.service("web"))
	w.start()
	w.run(time.Hour)
	for _, gap := range w.gaps() {
		if gap > 61*time.Second+50*time.Millisecond {
			t.Errorf("the next life begins %v after the last one", gap)
		}
	}
	if v := w.view("web"); v.CrashLoop || len(w.starts) < 59 || len(w.sent) > 0 {
		t.Errorf("%d lives, %+v, sent %q", len(w.starts), v, w.sent)
	}
}

// A26: a clean exit is no failure, and the policy decides whether the service is done.
func TestA26CleanExit(t *testing.T) {
	for _, restart := range []jobfile.Restart{jobfile.Always, jobfile.OnFailure, jobfile.OnSuccess, jobfile.Never} {
		ends := restart == jobfile.OnFailure || restart == jobfile.Never
		w := calmWorld(t, "2026-06-01 06:00:00")
		w.lasting(time.Millisecond, 0)
		d := w.service("web")
		d.KeepAlive.Restart = restart
		w.put(d)
		w.start()
		w.run(time.Minute)
		v := w.view("web")
		if v.Failures != 0 {
			t.Errorf("%s: %d failures", restart, v.Failures)
		}
		if ends {
			w.off(time.Minute) // still the same boot
			w.run(time.Minute)
			if len(w.starts) != 1 || v.CrashLoop || v.State != "waiting" {
				t.Errorf("%d starts, %+v", len(w.starts), v)
			}
			w.end()
			w.reboot(time.Minute)
			w.start()
			w.run(time.Second)
			if len(w.starts) != 2 {
				t.Errorf("%d starts after the next boot", len(w.starts))
			}
		} else if len(w.starts) < 7 || !v.CrashLoop {
			t.Errorf("%d starts, %+v", len(w.starts), v)
		}
	}
}

// A restart of the daemon neither forgets a crash loop nor shortens its pause.
func TestCrashLoopOutlivesDaemon(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Millisecond, 1)
	w.put(w.service("web"))
	w.start()
	w.run(40 * time.Second)
	n := len(w.starts)
	w.off(time.Second)
	w.run(time.Second)
	if v := w.view("web"); !v.CrashLoop || len(w.starts) != n || len(v.Deaths) != n {
		t.Errorf("%d starts, then %d; %+v", n, len(w.starts), v)
	}
}

// What a reload does to a service depends on what changed.
func TestServiceReload(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	w.run(time.Minute)
	change := func(what string, do func(d *jobfile.Definition), starts int, lives bool) {
		t.Helper()
		d := copyOf(w.defs[0].Def)
		do(d)
		w.put(d)
		d.Hash += hashOf("%s", d.Description)
		w.load()
		w.run(time.Second)
		alive := w.c.jobs["web"].alive() != nil
		if len(w.starts) != starts || alive != lives || w.view("web").Failures != 0 {
			w.fatal("%s: %d starts, want %d; alive %t", what, len(w.starts), starts, alive)
		}
	}
	change("nothing", func(*jobfile.Definition) {}, 1, true)
	change("its description", func(d *jobfile.Definition) { d.Description = "x" }, 1, true)
	change("its command", func(d *jobfile.Definition) { d.ProcessHash = hashOf("b") }, 2, true)
	change("disabled", func(d *jobfile.Definition) { d.Enabled = false }, 2, false)
	change("enabled", func(d *jobfile.Definition) { d.Enabled = true }, 3, true)
	change("elsewhere", func(d *jobfile.Definition) { d.Machines = []string{"other"} }, 3, false)
	change("here", func(d *jobfile.Definition) { d.Machines = nil }, 4, true)
	change("no service any more", func(d *jobfile.Definition) { d.KeepAlive = nil }, 4, false)
	change("a service again", func(d *jobfile.Definition) {
		d.KeepAlive = &jobfile.KeepAlive{Restart: jobfile.Always, Delay: time.Second, MaxDelay: time.Minute, Stable: time.Minute}
	}, 5, true)
	w.defs = nil
	w.load()
	w.run(time.Second)
	if len(w.c.jobs) != 0 {
		t.Error("the removed one is still there")
	}
	w.replayed()
}

// B32: a failure is retried after 1, 2, 4, 8.. s, and notified after the last attempt.
func TestB32Retries(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:00")
	w.lasting(time.Millisecond, 1)
	w.put(w.retrying("j"))
	w.start()
	w.until("2026-06-01 07:05:00")
	var starts []time.Duration
	for _, at := range w.starts {
		starts = append(starts, (at - w.starts[0]).Round(time.Second))
	}
	for i, want := range []time.Duration{0, 1, 3, 7, 15} {
		if i >= len(starts) || starts[i] < want*time.Second || starts[i] > want*time.Second*11/10+time.Second {
			t.Fatalf("starts at %v", starts)
		}
	}
	v := w.view("j")
	if len(starts) != 6 || v.Failures != 1 || v.ConsecutiveFailures != 1 || v.Runs != 6 || v.LastRun.Attempt != 6 {
		t.Errorf("starts at %v, %+v", starts, v)
	}
	if len(w.sent) != 1 || !strings.Contains(w.sent[0], "j failure: exited 1") {
		t.Errorf("sent %q", w.sent)
	}
	w.replayed()
}

func (w *world) retrying(name string) *jobfile.Definition {
	d := w.define(name, clockKeys("0 7 * * *"))
	d.Retries, d.RetryDelay, d.RetryMaxDelay = 5, time.Second, 30*time.Second
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	return d
}

func TestRetrySucceeds(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:00")
	w.script = func(s Start) (time.Duration, int) { return time.Millisecond, min(1, max(0, 3-s.Attempt)) }
	w.put(w.retrying("j"))
	w.start()
	w.until("2026-06-01 07:05:00")
	if v := w.view("j"); v.Failures != 0 || v.Runs != 3 || len(w.sent) != 0 || v.LastSuccess.IsZero() {
		t.Errorf("%+v, sent %q", v, w.sent)
	}
	w.replayed()
}

// A retry survives the end of the daemon. A new slot cancels it, and then the failure counts.
func TestRetryOutlivesDaemonAndYields(t *testing.T) {
	for _, end := range []string{"off", "crash", "slot", "removed", "stopped"} {
		t.Run(end, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:59:00")
			w.lasting(time.Millisecond, 1)
			d := w.retrying("j")
			d.RetryDelay, d.RetryMaxDelay = 5*time.Minute, 5*time.Minute
			w.put(d)
			w.start()
			w.until("2026-06-01 07:01:00")
			want := []int{1, 2}
			switch end {
			case "off":
				w.off(time.Minute)
			case "crash":
				w.crash()
				w.start()
			case "slot":
				w.handle(Order{ID: 1, Verb: VerbStart, Job: "j", By: "uid 0"})
				w.settle()
			case "removed":
				w.defs = nil
				w.load()
				if len(w.c.jobs) != 0 || len(w.c.runs) != 0 {
					t.Error("something is left")
				}
				w.replayed()
				return
			case "stopped":
				w.handle(Order{ID: 1, Verb: VerbStop, Job: "j", By: "uid 0"})
				w.settle()
				want = []int{1}
			}
			w.run(7 * time.Minute)
			var attempts []int
			for _, s := range w.ran {
				attempts = append(attempts, s.Attempt)
			}
			if end == "slot" {
				want = []int{1, 1, 2}
			}
			if !slices.Equal(attempts, want) {
				w.fatal("attempts %v, want %v", attempts, want)
			}
			v := w.view("j")
			if gaveUp := end == "slot" || end == "stopped"; gaveUp && (v.Failures != 1 || len(w.sent) != 1) {
				w.fatal("%d failures, sent %q", v.Failures, w.sent)
			}
			w.replayed()
		})
	}
}

func TestLostIsRetriedAndNotified(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:00")
	w.lasting(time.Hour, 0)
	d := w.retrying("j")
	d.Retries = 1
	w.put(d)
	w.start()
	w.until("2026-06-01 07:01:00")
	w.crash()
	clear(w.procs)
	w.start()
	w.run(time.Minute)
	if v := w.view("j"); v.LastRun.Outcome != statefile.OutcomeLost || v.Failures != 0 || len(v.Running) != 1 || v.Running[0].Attempt != 2 {
		t.Errorf("%+v", v)
	}
	w.crash()
	clear(w.procs)
	w.start()
	w.run(time.Minute)
	if v := w.view("j"); v.Failures != 1 || len(w.sent) != 1 || !strings.Contains(w.sent[0], "j failure: lost (started)") {
		t.Errorf("%+v, sent %q", v, w.sent)
	}
}

// B43: a mail is sent at the Nth failure in a row, none after it until the recovery, and one then.
func TestB43NotifyAfterFailuresInARow(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	code := 1
	w.script = func(Start) (time.Duration, int) { return time.Second, code }
	d := w.define("j", clockKeys("* * * * *"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 3, OnFailure: []string{"f"}, OnSuccess: []string{"s"}, OnRecovery: []string{"r"}}
	w.put(d)
	w.start()
	w.run(5 * time.Minute)
	code = 0
	w.run(2 * time.Minute)
	want := []string{"mail: j failure: exited 1", "command: j failure: exited 1", "mail: j recovery from failure: exited 0", "command: j recovery from failure: exited 0",
		"command: j success: exited 0", "command: j success: exited 0"}
	slices.Sort(want)
	slices.Sort(w.sent)
	if !slices.Equal(w.sent, want) {
		w.fatal("sent %q\nwant %q", w.sent, want)
	}
	w.replayed()
}

// B42: mailers that hang or do not exist hold up nothing. Once they work, one mail contains all owed notifications.
func TestB42BrokenMailer(t *testing.T) {
	for name, code := range map[string]int{"missing": 71, "hanging": -2, "failing": 75} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:59:30")
			w.lasting(time.Second, 1)
			for i := range 4 {
				d := w.define(fmt.Sprint("j", i), clockKeys("* * * * *"))
				d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: i + 1}
				w.put(d)
			}
			w.mailer = func(Deliver) int { return code }
			w.start()
			w.run(10 * time.Minute)
			if v := w.view("j0"); v.NotifyError == nil || v.Runs != 10 {
				t.Errorf("%+v", v)
			}
			var daemon statefile.Daemon
			w.c.Daemon(&daemon)
			if w.c.busy() > 1 || len(daemon.Degraded) != 1 {
				t.Errorf("%d mails at once, degraded %q", w.c.busy(), daemon.Degraded)
			}
			w.mailer = nil
			w.crash()
			w.start()
			w.run(2 * time.Hour)
			if want := []string{"mail: j0 failure: exited 1",
				"mail: j1 failure: exited 1, j2 failure: exited 1, j3 failure: exited 1"}; !slices.Equal(w.sent, want) {
				t.Errorf("sent %q", w.sent)
			}
			if v := w.view("j0"); v.NotifyError != nil {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A load sends at once what waits for its next attempt, because somebody may have repaired what failed.
func TestReloadRetries(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Second, 1)
	d := w.define("j", clockKeys("0 7 * * *"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	w.put(d)
	w.mailer = func(Deliver) int { return 71 }
	w.start()
	w.until("2026-06-01 12:00:00") // by now it is retried once an hour
	w.mailer = nil
	w.load()
	w.run(2 * time.Second)
	if len(w.sent) != 1 {
		t.Errorf("sent %q", w.sent)
	}
}

// Frequent reloads neither use up the attempts nor move the regular ones. A flood of reloads is no flood of attempts.
func TestFrequentReloads(t *testing.T) {
	times := func(reloads time.Duration) (tried, regular []string) {
		w := calmWorld(t, "2026-06-01 06:59:30")
		w.lasting(time.Second, 1)
		d := w.define("j", clockKeys("0 7 1 6 *"))
		d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
		w.put(d)
		w.mailer = func(Deliver) int {
			tried = append(tried, w.wall.Format("02 15:04:05"))
			if o := w.c.facts.Notifications[0]; !o.RetryAt.Time().After(w.wall) {
				regular = append(regular, w.wall.Format("02 15:04"))
			}
			return 71
		}
		w.start()
		w.until("2026-06-01 07:00:10")
		for end := w.wall.Add(40 * time.Hour); w.wall.Before(end); w.run(reloads) {
			w.load()
		}
		w.replayed()
		if len(w.c.facts.Notifications) > 0 {
			t.Errorf("not given up: %+v", w.c.facts.Notifications)
		}
		return tried, regular
	}
	tried, want := times(50 * time.Hour)
	if tried, got := times(5 * time.Minute); !slices.Equal(got, want) || len(tried) < 200 {
		t.Errorf("with reloads %d attempts, the regular ones at %q, without %q", len(tried), got, want)
	}
	w := calmWorld(t, "2026-06-01 06:59:30") // a second reload causes an attempt a few seconds later
	w.failing(jobfile.Notify{Mail: []string{"root"}})
	tries := 0
	w.mailer = func(Deliver) int { tries++; return 71 }
	w.start()
	w.until("2026-06-02 07:00:00")
	before := tries
	w.load()
	w.run(2 * time.Second)
	w.load()
	w.run(7 * time.Second)
	if tries != before+1 {
		t.Errorf("%d attempts at once", tries-before)
	}
	w.run(2 * time.Second)
	if tries != before+2 {
		t.Errorf("%d attempts after two reloads", tries-before)
	}
	if flood, _ := times(time.Second); len(flood) > len(tried)+25*3600/10 {
		t.Errorf("%d attempts in a flood of reloads, %d without", len(flood), len(tried))
	}
}

// The notification of an outcome is owed until it is sent: a crash in between does not lose it.
func TestOwedNotificationOutlivesDaemon(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Second, 1)
	d := w.define("j", clockKeys("0 7 * * *"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	w.put(d)
	w.mailer = func(Deliver) int { return -2 }
	w.start()
	w.until("2026-06-01 07:00:05")
	w.mailer = nil
	w.crash()
	w.start()
	w.run(time.Minute)
	if len(w.sent) != 1 {
		t.Errorf("sent %q", w.sent)
	}
}

// The daemon's own crashes are mailed at most once an hour. A job that crashed the daemon twice in a row is set aside.
func TestDaemonCrashes(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.config.Mail.To = []string{"root"}
	w.put(w.define("bad", clockKeys("* * * * *")))
	w.put(w.define("good", clockKeys("* * * * *")))
	w.start()
	crash := func(suspect string) {
		w.run(10 * time.Minute)
		w.crash()
		w.suspect = suspect
		w.start()
	}
	crash("bad")
	if v := w.view("bad"); v.InternalError {
		t.Error("set aside after one crash")
	}
	crash("good")
	crash("bad")
	crash("bad")
	if v := w.view("bad"); !v.InternalError || v.Error == nil || v.State != "waiting" || w.view("good").InternalError {
		t.Errorf("%+v", v)
	}
	w.run(time.Minute)
	if len(w.sent) != 1 || !strings.Contains(w.sent[0], "jobsd crashed") {
		t.Errorf("sent %q", w.sent)
	}
	w.handle(Order{ID: 1, Verb: VerbStart, Job: "bad", By: "uid 0"})
	w.settle()
	if v := w.view("bad"); v.InternalError || v.State != "armed" && v.State != "running" {
		t.Errorf("%+v", v)
	}
	w.replayed()
}

// What is wrong with the daemon itself goes to the targets of [daemon] instead of mail, once.
func TestDaemonTargets(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.config.Mail.To = []string{"root"}
	w.target("ops")
	w.config.Daemon.Notify = []string{"ops"}
	w.start()
	w.run(time.Minute)
	w.crash()
	w.start()
	w.run(time.Minute)
	w.crash()
	w.start()
	w.run(time.Minute)
	if len(w.sent) != 1 || !strings.HasPrefix(w.sent[0], "ops: daemon jobsd crashed and was restarted") {
		t.Errorf("sent %q", w.sent)
	}
	w.replayed()
}

func TestOrders(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Minute, 3)
	w.put(w.define("j", schedule.Keys{}))
	w.put(w.service("web"))
	off := w.define("off", clockKeys("* * * * *"))
	off.Enabled = false
	w.put(off)
	away := w.define("away", schedule.Keys{})
	away.Machines = []string{"other"}
	w.put(away)
	w.start()
	w.run(time.Second)
	ask := func(verb Verb, job string, wait bool) []Answer {
		w.answers = nil
		w.handle(Order{ID: 7, Verb: verb, Job: job, By: "uid 0", Wait: wait})
		w.settle()
		return w.answers
	}
	if a := ask(VerbStart, "nobody", false); len(a) != 1 || a[0].Refused == nil || !a[0].Refused.NoJob || !a[0].Last {
		t.Errorf("%+v", a)
	}
	if a := ask(VerbStart, "away", false); len(a) != 1 || a[0].Refused == nil {
		t.Errorf("%+v", a)
	}
	a := ask(VerbStart, "j", true)
	if len(a) != 1 || a[0].Run == 0 || a[0].Last || a[0].Refused != nil {
		t.Errorf("%+v", a)
	}
	run := a[0].Run
	if a := ask(VerbStart, "j", false); len(a) != 1 || a[0].Refused == nil {
		t.Errorf("%+v", a)
	}
	w.answers = nil
	w.run(2 * time.Minute)
	if a := w.answers; len(a) != 1 || a[0].Run != run || a[0].Outcome == nil || *a[0].Outcome.ExitCode != 3 || !a[0].Last {
		t.Errorf("%+v", a)
	}
	if a := ask(VerbStart, "off", false); len(a) != 1 || a[0].Run == 0 || !a[0].Last {
		t.Errorf("%+v", a)
	}
	w.lasting(time.Hour, 0)
	ask(VerbRestart, "web", false)
	w.run(time.Minute)
	if v := w.view("web"); len(v.Running) != 1 || v.LastRun.Outcome != statefile.OutcomeStopped || *v.LastRun.By != "uid 0" {
		t.Errorf("%+v", v)
	}
	w.answers = nil
	ask(VerbStop, "web", false)
	w.run(time.Second)
	if v := w.view("web"); !v.Held || len(v.Running) != 0 || v.State != "waiting" || len(w.answers) != 1 || !w.answers[0].Last {
		t.Errorf("%+v %+v", v, w.answers)
	}
	w.off(time.Minute)
	w.run(time.Minute)
	if v := w.view("web"); !v.Held || len(v.Running) != 0 {
		t.Errorf("%+v", v)
	}
	ask(VerbStart, "web", false)
	w.run(time.Second)
	if v := w.view("web"); v.Held || len(v.Running) != 1 {
		t.Errorf("%+v", v)
	}
	ask(VerbStop, "web", false)
	w.run(time.Second)
	w.end()
	w.reboot(time.Minute)
	w.start()
	w.run(time.Second)
	if v := w.view("web"); v.Held || len(v.Running) != 1 {
		t.Errorf("%+v", v)
	}
	w.replayed()
}

// Notifications for recipients that were removed from the settings do not go to others.
func TestMailGoesToItsOwn(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Second, 1)
	for _, name := range []string{"a", "b"} {
		d := w.define(name, clockKeys("0 7 * * *"))
		d.Notify = &jobfile.Notify{Mail: []string{name}, Failures: 1}
		w.put(d)
	}
	w.mailer = func(Deliver) int { return 75 }
	w.start()
	w.until("2026-06-01 07:00:05")
	a := copyOf(w.defs[0].Def)
	a.Notify, a.ProcessHash = nil, hashOf("nobody")
	w.put(a)
	w.load()
	var mails []string
	w.mailer = func(m Deliver) int {
		mails = append(mails, fmt.Sprintf("%s %d %s", m.Mail, len(m.Events), m.Events[0].Job))
		return 0
	}
	w.run(time.Hour)
	if want := []string{"[b] 1 b"}; !slices.Equal(mails, want) {
		w.fatal("mails %q, want %q", mails, want)
	}
}

// When old notifications are dropped after many attempts, those that are owed for a minute stay.
func TestOldMailDoesNotTakeTheNewAlong(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Second, 1)
	for name, cron := range map[string]string{"old": "0 7 1 * *", "new": "0 22 1 * *"} {
		d := w.define(name, clockKeys(cron))
		d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
		w.put(d)
	}
	works := false
	w.mailer = func(Deliver) int {
		if works {
			return 0
		}
		return 75
	}
	w.start()
	for range 100000 {
		w.step(time.Minute)
		if owed := w.c.facts.Notifications; len(owed) == 1 && owed[0].Job == "new" {
			works = true
			break
		}
		if w.c.facts.Jobs["new"].LastRun != nil && len(w.c.facts.Notifications) == 0 {
			w.fatal("the new one was given up with the old one")
		}
	}
	w.run(3 * time.Hour)
	if len(w.sent) != 1 || !strings.Contains(w.sent[0], "new failure") {
		w.fatal("sent %q", w.sent)
	}
}

// A failure is notified if its retry is dropped because the job changed while no daemon ran.
func TestRetryDroppedAtStartIsNotified(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:00")
	w.lasting(time.Millisecond, 1)
	d := w.retrying("j")
	d.RetryDelay, d.RetryMaxDelay = 5*time.Minute, 5*time.Minute
	w.put(d)
	w.start()
	w.until("2026-06-01 07:01:00")
	w.end()
	e := copyOf(d)
	e.Retries, e.ProcessHash = 0, hashOf("changed")
	w.put(e)
	w.start()
	w.run(time.Minute)
	if v := w.view("j"); v.Failures != 1 || len(w.sent) != 1 {
		w.fatal("%d failures, sent %q", v.Failures, w.sent)
	}
	w.replayed()
}

// TestFinishedThenAlways: a finished service starts when its file changes to always restart it.
func TestFinishedThenAlways(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Hour, 0)
	d := w.service("web")
	d.KeepAlive.Restart = jobfile.OnFailure
	w.put(d)
	w.start()
	w.run(2 * time.Hour)
	if v := w.view("web"); len(v.Running) > 0 || v.Runs != 1 {
		t.Errorf("%+v", v)
	}
	d = w.service("web")
	w.put(d)
	d.Hash++
	w.load()
	w.run(time.Minute)
	if v := w.view("web"); len(v.Running) != 1 || v.Runs != 2 {
		t.Errorf("%+v", v)
	}
	w.replayed()
}

// TestStartFinishedWhileDraining: a person starts a finished service whose last run still has leftovers.
func TestStartFinishedWhileDraining(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Hour, 0)
	d := w.service("web")
	d.KeepAlive.Restart = jobfile.OnFailure
	w.put(d)
	w.start()
	w.run(time.Minute)
	p := w.procs[1]
	p.stubborn, p.leftUntil = true, p.endsAt+time.Hour
	w.run(59*time.Minute + time.Second)
	if v := w.view("web"); len(v.Running) != 1 || v.Running[0].State != statefile.RunDraining {
		t.Fatalf("%+v", v)
	}
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web", Wait: true})
	w.run(time.Minute)
	if v := w.view("web"); len(v.Running) != 1 || v.Runs != 2 {
		t.Errorf("%+v, answered %+v", v, w.answers[len(w.answers)-1])
	}
	w.replayed()
}

// TestRestartAfterFailure: a service that must not be restarted after a failure is finished with the first one, which
// is notified. The next boot starts it again, also if the machine was switched off while the service was alive.
func TestRestartAfterFailure(t *testing.T) {
	for _, row := range []struct {
		restart jobfile.Restart
		code    int
		starts  int // in the first hour, if each life lasts ten minutes
		sent    int
	}{
		{jobfile.OnSuccess, 1, 1, 1},
		{jobfile.OnSuccess, 0, 6, 0},
		{jobfile.Never, 1, 1, 1},
		{jobfile.Never, 0, 1, 0},
		{jobfile.OnFailure, 1, 6, 0},
	} {
		w := calmWorld(t, "2026-06-01 06:00:00")
		w.lasting(10*time.Minute, row.code)
		d := w.service("web")
		d.KeepAlive.Restart = row.restart
		d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 3}
		w.put(d)
		w.start()
		w.run(59 * time.Minute)
		if len(w.starts) != row.starts || len(w.sent) != row.sent {
			t.Errorf("%s, exit code %d: %d starts, sent %q", row.restart, row.code, len(w.starts), w.sent)
		}
		w.end()
		w.reboot(time.Minute)
		w.start()
		w.run(time.Second)
		if len(w.starts) != row.starts+1 {
			t.Errorf("%s, exit code %d: %d starts after the next boot", row.restart, row.code, len(w.starts))
		}
		w.reboot(time.Minute) // while it is alive
		w.start()
		w.run(time.Second)
		if len(w.starts) != row.starts+2 {
			t.Errorf("%s, exit code %d: %d starts after the power failed", row.restart, row.code, len(w.starts))
		}
		w.replayed()
	}
}

// TestRestartChanged: a finished service starts when its file changes so that such an end is followed by a restart.
func TestRestartChanged(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Hour, 0)
	d := w.service("web")
	d.KeepAlive.Restart = jobfile.OnFailure
	w.put(d)
	w.start()
	w.run(2 * time.Hour)
	for i, restart := range []jobfile.Restart{jobfile.Never, jobfile.OnSuccess} {
		d = w.service("web")
		d.KeepAlive.Restart = restart
		w.put(d)
		d.Hash += jobfile.Hash(1 + i)
		w.load()
		w.run(time.Minute)
		if v := w.view("web"); v.Runs != uint64(1+i) {
			t.Errorf("%s: %+v", restart, v)
		}
	}
	w.replayed()
}
