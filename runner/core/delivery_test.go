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

// busy returns how many messages are on their way.
func (c *Core) busy() (n int) {
	for _, l := range c.deliveries.lanes {
		if l.message != 0 {
			n++
		}
	}
	return n
}

// failing defines a job that fails each day at 4 o'clock and starts the daemon.
func (w *world) failing(n jobfile.Notify) *jobfile.Definition {
	w.lasting(time.Minute, 1)
	d := w.define("j", dailyKeys("4am"))
	n.Failures = max(1, n.Failures)
	d.Notify = &n
	w.put(d)
	return d
}

func (w *world) target(name string) {
	w.config.Targets = map[string]*jobfile.Target{name: {Name: name, URL: "http://x", Preset: "json"}}
}

// TestReceiverChangesOnTheWay: while a message is on its way, its notifications are not sent in another one, whatever
// becomes of the settings. Its answer still counts.
func TestReceiverChangesOnTheWay(t *testing.T) {
	for name, change := range map[string]func(d *jobfile.Definition){
		"recipients": func(d *jobfile.Definition) { d.Notify = &jobfile.Notify{Mail: []string{"b"}, Failures: 1} },
		"no mail":    func(d *jobfile.Definition) { d.Notify = nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.failing(jobfile.Notify{Mail: []string{"a"}})
			var numbers []uint64
			w.mailer = func(m Deliver) int {
				numbers = append(numbers, m.Number)
				return -2
			}
			w.start()
			w.until("2026-06-02 04:01:10")
			w.change(change)
			w.run(10 * time.Second)
			if len(numbers) != 1 || w.c.busy() != 1 || len(w.c.facts.Notifications) != 1 {
				t.Fatalf("sent %v, %d on their way, %v", numbers, w.c.busy(), w.c.facts.Notifications)
			}
			w.handle(Delivered{Number: 0, Error: "nobody asked"})
			w.handle(Delivered{Number: numbers[0]})
			w.settle()
			if w.c.busy() != 0 || len(w.c.facts.Notifications) != 0 || len(w.c.deliveries.lanes) != 0 {
				t.Errorf("%d on their way, %v", w.c.busy(), w.c.facts.Notifications)
			}
			w.replayed()
		})
	}
	t.Run("removed", func(t *testing.T) { // and it fails: nobody is left to tell
		w := calmWorld(t, "2026-06-01 12:00:00")
		w.failing(jobfile.Notify{Mail: []string{"a"}})
		w.mailer = func(Deliver) int { return -2 }
		w.start()
		w.until("2026-06-02 04:01:10")
		w.defs = nil
		w.load()
		w.run(5 * time.Minute)
		if w.c.busy() != 0 || len(w.c.facts.Notifications) != 0 {
			t.Errorf("%d on their way, %v", w.c.busy(), w.c.facts.Notifications)
		}
	})
}

// TestNothingDroppedUnread: a first load that could read neither the job files nor the settings drops nothing. Once they
// can be read, everything is delivered.
func TestNothingDroppedUnread(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{To: []string{"ops"}, On: []string{"failure"}, Mail: []string{"a"}, OnFailure: []string{"x"}})
	w.target("ops")
	w.mailer = func(Deliver) int { return -2 }
	w.start()
	w.until("2026-06-02 04:01:10")
	w.crash()
	w.begin()
	targets := w.config.Targets
	w.config.Targets = nil
	load := func(jobs, settings bool) {
		set := w.set()
		set.Unread, set.Unsettled = !jobs, !settings
		if !jobs {
			set.Jobs = nil
		}
		w.handle(Loaded{Set: set, Begun: w.boot, Done: w.boot})
		w.settle()
		w.run(time.Second)
	}
	owed := func(when string) {
		t.Helper()
		if n := len(w.c.facts.Notifications); n != 3 || w.c.busy() != 0 {
			t.Fatalf("%s: %d owed, %d on their way", when, n, w.c.busy())
		}
	}
	load(false, false)
	owed("nothing could be read")
	load(true, false)
	owed("the settings could not be read")
	w.config.Targets = targets
	load(true, true)
	if w.c.busy() != 3 {
		t.Errorf("%d on their way", w.c.busy())
	}
}

// TestFailureWithoutSettings: before the settings could be read, a failure is owed to the targets of its job by their
// names. If nobody is told of it, the next failure is.
func TestFailureWithoutSettings(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{To: []string{"ops"}, On: []string{"failure"}})
	d := w.define("defaults", dailyKeys("4am")) // its notify.mail is in [defaults]
	w.put(d)
	w.begin()
	set := w.set()
	set.Unsettled = true
	w.handle(Loaded{Set: set, Begun: w.boot, Done: w.boot})
	w.settle()
	w.until("2026-06-02 05:00:00")
	if len(w.c.facts.Notifications) != 1 || w.c.facts.Job("defaults").FailureNotified || len(w.sent) > 0 {
		t.Fatalf("%v, %v, sent %v", w.c.facts.Notifications, w.c.facts.Job("defaults"), w.sent)
	}
	w.target("ops")
	mended := copyOf(d)
	mended.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	w.put(mended)
	w.load()
	w.until("2026-06-03 05:00:00")
	if got := strings.Join(w.sent, "\n"); got != "ops: j failure: exited 1\nmail: defaults failure: exited 1" {
		t.Error(got)
	}
	w.replayed()
}

// TestPatienceAsleep: the time in which the machine sleeps does not use up the attempts of a message.
func TestPatienceAsleep(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{Mail: []string{"a"}, Failures: 1})
	tries := 0
	w.mailer = func(Deliver) int { tries++; return 7 }
	w.start()
	w.until("2026-06-02 04:01:20")
	w.sleep(25 * time.Hour)
	w.change(func(d *jobfile.Definition) { d.Enabled = false }) // so that there is only one failure
	w.run(5 * time.Minute)
	if len(w.c.facts.Notifications) != 1 {
		t.Fatalf("%d owed", len(w.c.facts.Notifications))
	}
	w.run(26 * time.Hour)
	if len(w.c.facts.Notifications) != 0 || tries < deliveryTries {
		t.Errorf("%d owed after %d attempts", len(w.c.facts.Notifications), tries)
	}
}

// TestSilentCommands: a hundred commands of jobs that hang do not delay mail or targets.
func TestSilentCommands(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 1)
	for i := range 100 {
		d := w.define(fmt.Sprintf("c%03d", i), dailyKeys("4am"))
		d.Notify = &jobfile.Notify{OnFailure: []string{"hang"}, Failures: 1}
		w.put(d)
	}
	d := w.define("z", dailyKeys("4am"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, To: []string{"ops"}, On: []string{"failure"}, Failures: 1}
	w.put(d)
	w.target("ops")
	most, tried := 0, map[string]bool{}
	var others []time.Time
	w.mailer = func(m Deliver) int {
		most = max(most, w.c.busy())
		if m.Command == nil {
			others = append(others, w.wall)
			return 0
		}
		tried[m.Job.Name] = true
		return -2
	}
	w.start()
	w.until("2026-06-02 04:01:00")
	if len(others) != 2 || others[1].Format("15:04") != "08:00" || most > 2+maxLanes[byCommand]+maxLong {
		t.Errorf("others sent at %v, at most %d on their way", others, most)
	}
	w.until("2026-06-02 05:00:00")
	if len(tried) != 100 {
		t.Errorf("%d commands ran", len(tried))
	}
}

// TestLongCommands: commands of jobs that hang delay the commands of other jobs for a few minutes at most, and there are
// never too many.
func TestLongCommands(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 1)
	for i := range 50 {
		d := w.define(fmt.Sprintf("c%03d", i), dailyKeys("4am"))
		d.Notify = &jobfile.Notify{OnFailure: []string{"hang"}, Failures: 1}
		w.put(d)
	}
	d := w.define("z", dailyKeys("4am"))
	d.Notify = &jobfile.Notify{OnFailure: []string{"works"}, Failures: 1}
	w.put(d)
	most, told := 0, time.Time{}
	w.mailer = func(m Deliver) int {
		most = max(most, w.c.busy())
		if m.Job.Name == "z" {
			told = w.wall
			return 0
		}
		return -2
	}
	w.start()
	w.until("2026-06-02 05:00:00")
	if end := told.Format("15:04"); end < "08:00" || end > "08:04" {
		t.Errorf("the command that works ran at %v", told)
	}
	if want := maxLanes[byCommand] + maxLong; most != want {
		t.Errorf("at most %d commands at once, want %d", most, want)
	}
}

// TestTargetRemoved: what is owed to a target that was removed is dropped with one record and one line in the log.
func TestTargetRemoved(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 0)
	d := w.define("j", schedule.Keys{Every: new("1m")})
	d.Notify = &jobfile.Notify{To: []string{"ops"}, On: []string{"success"}, Failures: 1}
	w.put(d)
	w.target("ops")
	w.mailer = func(Deliver) int { return 7 }
	w.start()
	w.run(5 * time.Hour)
	owed, records := len(w.c.facts.Notifications), w.stats["delivery"]
	w.trace = nil
	w.config.Targets = nil
	w.load()
	w.run(time.Second)
	warned := 0
	for _, line := range w.trace {
		if strings.Contains(line, "no longer has the target") {
			warned++
		}
	}
	if owed < 200 || w.stats["delivery"] != records+1 || warned > 2 || len(w.c.facts.Notifications) > 0 {
		t.Errorf("%d were owed, %d are: %d records, %d lines", owed, len(w.c.facts.Notifications), w.stats["delivery"]-records, warned)
	}
	w.replayed()
}

// TestLimitKeepsMessage: too many notifications for a receiver never cost one that is on its way.
func TestLimitKeepsMessage(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 0)
	d := w.define("j", schedule.Keys{Every: new("1m")})
	d.Notify = &jobfile.Notify{To: []string{"ops"}, On: []string{"success"}, Failures: 1}
	w.put(d)
	w.target("ops")
	hang := true
	var first []NotifiedEvent
	w.mailer = func(m Deliver) int {
		if first == nil {
			first = m.Events
			return -3 // no answer at all
		}
		if hang {
			return 7
		}
		return 0
	}
	w.start()
	w.run(30 * time.Hour)
	if n := len(w.c.facts.Notifications); n > maxOwed+len(first) || w.c.facts.Notifications[0].ID != first[0].ID {
		t.Errorf("%d owed, the oldest is %d, and %d is on its way", n, w.c.facts.Notifications[0].ID, first[0].ID)
	}
	said := strings.Join(w.trace, "\n")
	if !strings.Contains(said, "too many notifications are pending for target ops") || strings.Contains(said, "cannot notify: too many") {
		t.Errorf("want one line for all that were dropped, and none for each job, got\n%s", said)
	}
}

// TestPanicInDelivery: a panic over a delivery drops what is owed and forgets what is on its way.
func TestPanicInDelivery(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{Mail: []string{"a"}})
	var number uint64
	w.mailer = func(m Deliver) int { number = m.Number; return -3 }
	w.start()
	w.until("2026-06-02 04:01:10")
	w.c.o.Strict = false
	config := w.c.loaded.config
	w.c.loaded.config, w.c.deliveries.look = nil, true
	w.c.facts.Notifications = append(w.c.facts.Notifications, statefile.Notification{ID: number + 1, Job: "", Via: "mail", Kind: "daemon"})
	w.settle()
	w.c.loaded.config, w.c.o.Strict = config, true
	if w.c.busy() != 0 || len(w.c.facts.Notifications) != 0 {
		t.Fatalf("%d on their way, %v", w.c.busy(), w.c.facts.Notifications)
	}
	w.handle(Delivered{Number: number})
	w.settle()
	w.mailer = nil
	w.change(func(d *jobfile.Definition) {}) // a new definition, so the next failure is told
	w.until("2026-06-03 05:00:00")
	if w.c.facts.Job("j").Consecutive != 2 {
		t.Error("the daemon does not go on")
	}
}

// TestSameTrouble: trouble that all recipients of mail share is shown once, until the last one has none.
func TestSameTrouble(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{Mail: []string{"a"}})
	d := w.define("k", dailyKeys("4am"))
	d.Notify = &jobfile.Notify{Mail: []string{"b"}, Failures: 1}
	w.put(d)
	broken := map[string]bool{"a": true, "b": true}
	w.answerer = func(m Deliver) (d Delivered) {
		if broken[m.Mail[0]] {
			d.Error = "no mailer"
		}
		return d
	}
	w.start()
	for i, at := range []string{"04:30:00", "08:00:00", "12:00:00"} {
		w.until("2026-06-02 " + at)
		want := []string{"cannot send mail to a and others: no mailer", "cannot send mail to a: no mailer", ""}[i]
		if got := strings.Join(w.degraded(), "; "); got != want {
			t.Errorf("at %s: degraded %q, want %q", at, got, want)
		}
		delete(broken, []string{"b", "a", ""}[i])
	}
}

func (w *world) degraded() []string {
	var d statefile.Daemon
	w.c.Daemon(&d)
	return d.Degraded
}

// TestTroubleEnds: trouble with a receiver ends at a reload if nothing waits for it: then it may have been repaired, and no
// message follows that shows whether it works. Otherwise the reload sends that message.
func TestTroubleEnds(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 1)
	to := func(name string, n jobfile.Notify) {
		d := w.define(name, dailyKeys("4am"))
		n.Failures = 1
		d.Notify = &n
		w.put(d)
	}
	to("j", jobfile.Notify{Mail: []string{"a"}})
	to("k", jobfile.Notify{Mail: []string{"b"}})
	to("l", jobfile.Notify{To: []string{"ops"}, On: []string{"failure"}})
	to("m", jobfile.Notify{To: []string{"file"}, On: []string{"failure"}})
	ops := &jobfile.Target{Name: "ops", URL: "http://x", Preset: "json"}
	file := &jobfile.Target{Name: "file", URLFile: "/u", Preset: "json"}
	w.config.Targets = map[string]*jobfile.Target{"ops": ops, "file": file}
	w.config.Heartbeat = &jobfile.Heartbeat{URL: "http://x", Every: time.Minute}
	answer := func(m Deliver) Delivered {
		switch {
		case m.Target != nil:
			return Delivered{Error: "404", Final: m.Target.Name == "ops"}
		case m.Mail[0] == "a":
			return Delivered{Error: "unknown", Final: true}
		}
		return Delivered{}
	}
	w.answerer = answer
	w.start()
	w.handle(Trouble{Part: "heartbeat", Text: "no heartbeat"})
	w.until("2026-06-02 05:00:00")
	has := func(when string, want ...string) {
		t.Helper()
		got := w.degraded()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: degraded %q, want %q", when, got, want)
		}
	}
	has("at first", "cannot notify file: 404", "cannot notify ops: 404", "cannot send mail to a: unknown", "no heartbeat")
	w.load()
	w.run(2 * time.Second)
	has("after a reload", "cannot notify file: 404", "no heartbeat")
	w.config.Heartbeat = nil
	w.load()
	has("without a heartbeat", "cannot notify file: 404")
	w.handle(Trouble{Part: "heartbeat", Text: "too late"})
	has("after the last answer", "cannot notify file: 404")
	delete(w.config.Targets, "file")
	w.load()
	w.run(time.Second)
	has("without the target")
	if said := strings.Join(w.trace, "\n"); strings.Contains(said, "has recovered") || !strings.Contains(said, "target ops is not reported as degraded any more") {
		t.Errorf("nothing has recovered, but the daemon said\n%s", said)
	}
	w.until("2026-06-02 06:00:00")
	w.replayed()
}

// TestCheckEnds: a check of Healthchecks learns of the end of each run whose start it knows: of a failure that is not
// notified otherwise, of a run that a person stops, and of the last retry.
func TestCheckEnds(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	code := 1
	d := w.failing(jobfile.Notify{To: []string{"ops", "check"}, On: []string{"recovery"}, Failures: 3})
	w.target("ops")
	w.script = func(Start) (time.Duration, int) { return time.Hour, code }
	w.config.Targets["check"] = &jobfile.Target{Name: "check", URL: "http://x", Preset: jobfile.PresetHealthchecks}
	retried := copyOf(d)
	retried.Retries, retried.RetryDelay, retried.RetryMaxDelay = 1, time.Minute, time.Minute
	w.start()
	told := func(when, want string) {
		t.Helper()
		if got := strings.Join(w.sent, ", "); got != want {
			t.Errorf("%s: told %q, want %q", when, got, want)
		}
		w.sent = nil
	}
	w.until("2026-06-02 12:00:00")
	told("a failure", "check: j start, check: j failure: exited 1")
	w.until("2026-06-03 04:30:00")
	w.orderJob(VerbStop)
	w.until("2026-06-03 12:00:00")
	told("a stop", "check: j start, check: j stopped: stopped by uid 0 (exit code 1)")
	w.put(retried)
	w.load()
	w.until("2026-06-04 12:00:00")
	told("a retry", "check: j start, check: j start, check: j failure: exited 1")
	code = 0
	w.until("2026-06-05 12:00:00")
	told("a success", "check: j start, check: j success: exited 0")
	w.replayed()
}

// TestNotifyErrorEnds: the published state of a job shows that its notification was not delivered, until one is.
func TestNotifyErrorEnds(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{Mail: []string{"a"}})
	w.mailer = func(Deliver) int { return 7 }
	w.start()
	w.until("2026-06-02 04:01:10")
	if why := w.published["j"].NotifyError; why == nil || !strings.Contains(*why, "exited 7") {
		t.Fatalf("published %v", why)
	}
	w.mailer = nil
	w.until("2026-06-02 04:02:00")
	if why := w.published["j"].NotifyError; why != nil || len(w.sent) != 1 {
		t.Errorf("published %v after %q", why, w.sent)
	}
}

// TestErrorWords: an error says what could not be done: in the log of the job, in its state and in that of the daemon. What
// the command of a target printed is only in the log of the daemon, because it may have printed the output of a job.
func TestErrorWords(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{To: []string{"page"}, On: []string{"failure"}})
	w.config.Targets = map[string]*jobfile.Target{"page": {Name: "page", Cmd: []string{"page"}}}
	k := w.define("k", dailyKeys("5am"))
	k.Notify = &jobfile.Notify{Mail: []string{"a"}, Failures: 1}
	w.put(k)
	l := w.define("l", dailyKeys("6am"))
	l.Notify = &jobfile.Notify{OnFailure: []string{"page"}, Failures: 1}
	w.put(l)
	long := strings.Repeat("x", 3000)
	w.answerer = func(m Deliver) Delivered {
		return Delivered{Error: "exited 9", Final: true, Output: "first\n" + strings.Repeat("a line\n", 9) + long[:1000] + "secret\n"}
	}
	w.start()
	w.until("2026-06-02 07:00:00")
	for job, want := range map[string]string{"j": "cannot notify page: exited 9", "k": "cannot send mail to a: exited 9",
		"l": "cannot run on_failure: exited 9"} {
		if why := w.published[job].NotifyError; why == nil || *why != want {
			t.Errorf("%s: %v, want %q", job, why, want)
		}
		if said := strings.Join(w.trace, "\n"); !strings.Contains(said, want+" [job "+job+"]") {
			t.Errorf("not said of %s: %s\n%s", job, want, said)
		}
	}
	if got := strings.Join(w.degraded(), "; "); got != "cannot notify page: exited 9; cannot send mail to a: exited 9" {
		t.Errorf("degraded: %s", got)
	}
	said := strings.Join(w.trace, "\n")
	if want := "the command of the target page failed [printed a line\n"; strings.Count(said, "printed ") != 1 ||
		!strings.Contains(said, want) || strings.Contains(said, "first") {
		t.Errorf("said\n%s\nwant %s", said, want)
	}
	if got := lastLines(long); len(got) != 2000 {
		t.Errorf("%d bytes", len(got))
	}
}
