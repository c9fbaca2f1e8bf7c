package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// check makes a target that is a check of Healthchecks.
func (w *world) check(name string) {
	if w.config.Targets == nil {
		w.config.Targets = map[string]*jobfile.Target{}
	}
	w.config.Targets[name] = &jobfile.Target{Name: name, URL: "http://x", Preset: jobfile.PresetHealthchecks}
}

func (w *world) mustSend(when, want string) {
	w.t.Helper()
	if got := strings.Join(w.sent, ", "); got != want {
		w.t.Errorf("%s: sent %q, want %q", when, got, want)
	}
	w.sent = nil
}

// TestStartToldOnce: a run whose first process could not become its program, because a resource was short, has one start.
func TestStartToldOnce(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{To: []string{"check"}})
	w.check("check")
	w.hangs = 10 * time.Second // of the shim
	w.start()
	w.until("2026-06-02 04:00:05")
	run := w.c.jobs["j"].runs[0].number
	delete(w.procs, run)
	clear(w.executions)
	w.handle(NotStarted{Run: run, Weather: true, Text: "cannot execute: no memory"})
	w.settle()
	w.finishDisk()
	w.c.facts.Job("j").Live[0].Inode = 99 // that process is another one than the next
	for _, e := range w.journal {
		if s, ok := e.Record.(*statefile.Started); ok {
			s.Inode = 99
		}
	}
	w.until("2026-06-02 12:00:00")
	if w.stats["started"] != 2 {
		t.Errorf("started %d times", w.stats["started"])
	}
	w.mustSend("at the end", "check: j start, check: j failure: exited 1")
	w.replayed()
}

// TestLostRunTold: a run that is lost by an internal error is told as a failure.
func TestLostRunTold(t *testing.T) {
	breakMove(t, running, evExited)
	w := twoJobs(t)
	d := w.define("a", schedule.Keys{Cron: []string{"* * * * *"}})
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, To: []string{"check"}, Failures: 1}
	d.Hash++
	w.put(d)
	w.check("check")
	w.load()
	w.until("2026-03-02 12:02:05")
	for i, s := range w.sent {
		w.sent[i] = strings.ReplaceAll(s, ": runtime error: invalid memory address or nil pointer dereference", "")
	}
	slices.Sort(w.sent)
	w.mustSend("when it is lost", "check: a failure internal error, a failure: lost (started), check: a start, mail: a failure internal error")
	w.setAside()
	w.finishDisk()
	w.replayed()
}

// TestSetAsideTold: a job that an internal error sets aside without any run is told as a failure, as it does not run again
// by itself.
func TestSetAsideTold(t *testing.T) {
	w := twoJobs(t)
	d := w.define("a", schedule.Keys{Cron: []string{"*/5 * * * *"}})
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 3}
	w.put(d)
	w.load()
	w.c.jobs["a"].def.Schedule = nil
	w.c.needArm(w.c.jobs["a"])
	w.settle()
	w.run(time.Minute)
	if len(w.sent) != 1 || !strings.HasPrefix(w.sent[0], "mail: a failure internal error: ") {
		t.Errorf("sent %q", w.sent)
	}
	w.setAside()
	w.finishDisk()
	w.replayed()
}

// TestFailureToldToNewReceiver: a failure that nobody was told of, because the job had no receiver, does not keep the next
// one from the receiver that the job has by then.
func TestFailureToldToNewReceiver(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.failing(jobfile.Notify{})
	w.start()
	w.until("2026-06-02 12:00:00")
	w.change(func(d *jobfile.Definition) { d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1} })
	w.until("2026-06-03 12:00:00")
	w.mustSend("after the next failure", "mail: j failure: exited 1")
	w.until("2026-06-04 12:00:00")
	w.mustSend("after one more", "")
	w.lasting(time.Minute, 0)
	w.until("2026-06-05 12:00:00")
	w.mustSend("after a success", "mail: j recovery from failure: exited 0")
	w.replayed()
}

// TestMessageStaysTogether: a message whose delivery was interrupted has the same notifications at the next attempt, even
// if the next daemon reads the output of one of them, or the definition of its job, later than the rest.
func TestMessageStaysTogether(t *testing.T) {
	for name, wait := range map[string]func(w *world, failed uint64){
		"output":     func(w *world, failed uint64) { w.c.awaitOutput("j", failed); w.load() },
		"definition": func(w *world, _ uint64) { w.unread(); w.run(time.Second); w.load() },
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.failing(jobfile.Notify{Mail: []string{"root"}})
			w.config.Mail.To = []string{"root"}
			var sent []string
			code := 7
			w.mailer = func(m Deliver) int {
				var ids []uint64
				for _, o := range m.Events {
					ids = append(ids, o.ID)
				}
				if ids[0] == 1 {
					return code
				}
				sent = append(sent, fmt.Sprint(m.Number, ids))
				return -3
			}
			w.start()
			about := func() { // the daemon
				n := w.c.newNotification(statefile.Notification{Kind: "daemon", Via: "mail", Text: "hello"})
				w.c.record(&statefile.DaemonNotification{Notifications: []statefile.Notification{n}})
				w.settle()
			}
			w.until("2026-06-02 03:58:00")
			about() // its next attempts fail while others wait
			w.until("2026-06-02 03:59:00")
			about()
			w.until("2026-06-02 04:05:00")
			code = 0
			w.until("2026-06-02 04:30:00")
			w.finishDisk()
			failed := w.c.facts.Job("j").LastRun.Run
			if len(sent) != 1 || sent[0] != "3 [2 3]" {
				t.Fatal(sent)
			}
			was := sent[0]
			sent = nil
			w.crash()
			w.begin()
			wait(w, failed)
			w.run(time.Second)
			if len(sent) != 1 || sent[0] != was {
				t.Errorf("sent %q, before the crash it was %q", sent, was)
			}
		})
	}
}

// TestStartCommandFirst: on_start of a run ends before another command about that run begins. If its first attempt fails,
// the others do not wait for the next one.
func TestStartCommandFirst(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 0)
	d := w.define("j", dailyKeys("4am"))
	d.Notify = &jobfile.Notify{OnStart: []string{"on_start"}, OnSuccess: []string{"on_success"}, Failures: 1}
	w.put(d)
	var began []string
	w.mailer = func(m Deliver) int {
		began = append(began, m.Command[0])
		if m.Command[0] == "on_start" {
			return -2 // it fails after three minutes
		}
		return 0
	}
	w.start()
	w.until("2026-06-02 04:02:59")
	if got := strings.Join(began, ", "); got != "on_start" {
		t.Errorf("began %s while on_start was running", got)
	}
	w.until("2026-06-02 04:03:04")
	if got := strings.Join(began, ", "); got != "on_start, on_success" {
		t.Errorf("began %s after on_start had failed", got)
	}
	w.finishDisk()
	w.replayed()
}

// TestUnsettledLimit: while jobsd.toml cannot be read, what is owed does not grow without limit.
func TestUnsettledLimit(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Second, 0)
	d := w.define("j", schedule.Keys{Every: new("1m")})
	d.Notify = &jobfile.Notify{To: []string{"ops"}, On: []string{"success"}, OnSuccess: []string{"x"}, Failures: 1}
	w.put(d)
	w.begin()
	set := w.set()
	set.Unsettled = true
	w.handle(Loaded{Set: set, Begun: w.boot, Done: w.boot})
	w.settle()
	w.run(19 * time.Hour)
	if n := len(w.c.facts.Notifications); n > 2*maxOwed || n < maxOwed || w.stats["ended"] <= maxOwed {
		t.Errorf("%d owed", n)
	}
	w.replayed()
}

// TestStartCommandPaused: the commands about a run do not wait for its on_start while that waits for another attempt of an
// earlier one.
func TestStartCommandPaused(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := calmWorld(t, "2026-06-01 12:00:00")
		w.lasting(time.Second, 1)
		d := w.define("j", schedule.Keys{Cron: []string{"0,30 4 * * *"}})
		d.Notify = &jobfile.Notify{OnStart: []string{"on_start"}, OnFailure: []string{"on_failure"}, OnSuccess: []string{"on_success"}, Failures: 1}
		w.put(d)
		var began []string
		w.answerer = func(m Deliver) (a Delivered) {
			if began = append(began, m.Command[0]); m.Command[0] == "on_start" {
				a.Error = "cannot start: no memory"
			}
			return a
		}
		w.start()
		w.until("2026-06-02 04:29:00")
		began = nil
		w.lasting(time.Second, 0)
		if restart {
			w.crash()
			w.start()
		}
		w.until("2026-06-02 04:30:10")
		if got := strings.Join(began, ", "); got != "on_success" {
			t.Errorf("restart %v: began %q", restart, got)
		}
	}
}

// TestStartAfterCrash: the start of a run is told even if the daemon was killed before it recorded the process.
func TestStartAfterCrash(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		w := calmWorld(t, "2026-06-01 12:00:00")
		w.failing(jobfile.Notify{To: []string{"check"}})
		w.check("check")
		w.lasting(time.Hour, 1)
		w.start()
		w.until("2026-06-02 04:00:10")
		w.finishDisk()
		if !recorded {
			i := slices.IndexFunc(w.journal, func(e statefile.Entry) bool { return e.Kind() == "started" })
			w.journal, w.sent = w.journal[:i], nil
		}
		w.crash()
		w.rng = rand.New(rand.NewPCG(3, 3))
		w.start()
		w.until("2026-06-02 12:00:00")
		w.finishDisk()
		if w.stats["leaderless"] > 0 {
			t.Fatal("the seed lets only the leaf of the run be known")
		}
		w.mustSend(fmt.Sprint("recorded ", recorded), "check: j start, check: j failure: lost (started)")
		w.replayed()
	}
}
