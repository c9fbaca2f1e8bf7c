package core

import (
	"slices"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// leaving returns a world in which the leader of left ends after a second and leaves a live process in its group.
func leaving(t *testing.T, lives time.Duration, change func(d *jobfile.Definition)) *world {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.leaves = lives
	d := w.define("left", schedule.Keys{})
	d.Lock = "disk"
	if change != nil {
		change(d)
	}
	w.put(d)
	other := w.define("other", schedule.Keys{})
	other.Lock = "disk"
	w.put(other)
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "left"})
	w.run(1100 * time.Millisecond)
	if v := w.view("left"); v.LastRun == nil || v.LastRun.Outcome != statefile.OutcomeExited || len(v.Running) != 1 || v.Running[0].State != statefile.RunDraining {
		t.Fatalf("the outcome is not known as soon as the leader has ended: %+v", v)
	}
	return w
}

// over checks that no process of left is running.
func (w *world) isOver(what string) {
	w.t.Helper()
	if v := w.view("left"); len(v.Running) > 0 {
		w.t.Errorf("%s: %+v", what, v.Running)
	}
	w.finishDisk()
	w.outputs()
}

// TestLeftEndsByItself: a leftover that ends within a second gets no signal.
func TestLeftEndsByItself(t *testing.T) {
	w := leaving(t, 900*time.Millisecond, nil)
	w.run(time.Second)
	if len(w.signals) > 0 {
		t.Errorf("it got %v", w.signals)
	}
	w.isOver("it has ended")
}

// TestLeftIsStopped: a leftover that lives longer than a second is stopped then.
func TestLeftIsStopped(t *testing.T) {
	w := leaving(t, time.Hour, nil)
	w.run(800 * time.Millisecond)
	if len(w.signals) > 0 {
		t.Fatalf("it got %v within the second", w.signals)
	}
	w.run(200 * time.Millisecond)
	if !slices.Equal(w.signals, []string{"TERM", "CONT"}) {
		t.Errorf("it got %v", w.signals)
	}
	w.run(100 * time.Millisecond)
	w.isOver("it was stopped")
}

// TestLeftIsKept: a leftover that is kept holds the lock for a second and is then left alone.
func TestLeftIsKept(t *testing.T) {
	w := leaving(t, time.Hour, func(d *jobfile.Definition) { d.KeepLeftovers = true })
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "other"})
	w.run(700 * time.Millisecond)
	if r := w.view("other").Running; len(r) != 1 || r[0].Why == nil || *r[0].Why != statefile.WhyLock {
		t.Errorf("the other job did not wait: %+v", r)
	}
	w.run(300 * time.Millisecond)
	if len(w.signals) > 0 {
		t.Errorf("it got %v", w.signals)
	}
	w.isOver("it is kept")
	if n := w.view("other").Runs; n != 1 {
		t.Errorf("the other job ran %d times", n)
	}
}

// TestStopEndsTheMoment: stopping the run does not wait for the rest of the second. A leftover that is kept is still
// left alone.
func TestStopEndsTheMoment(t *testing.T) {
	for _, keep := range []bool{false, true} {
		w := leaving(t, time.Hour, func(d *jobfile.Definition) { d.KeepLeftovers = keep })
		w.ordered(Order{ID: 1, Verb: VerbStop, Job: "left"})
		want := []string{"TERM", "CONT"}
		if keep {
			want = nil
		}
		if !slices.Equal(w.signals, want) {
			t.Errorf("kept %t: it got %v", keep, w.signals)
		}
		w.run(10 * time.Millisecond)
		w.isOver("it was stopped")
	}
}

// TestMailHasAllOutput: a failure is mailed when the output of the run is complete.
func TestMailHasAllOutput(t *testing.T) {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.leaves = 500 * time.Millisecond
	w.script = func(Start) (time.Duration, int) { return time.Second, 1 }
	w.config.Mail = jobfile.Mail{Sendmail: []string{"sendmail"}, To: []string{"root"}}
	d := w.define("left", schedule.Keys{})
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	w.put(d)
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "left"})
	w.run(1400 * time.Millisecond)
	if n := w.view("left").Failures; n != 1 || len(w.sent) > 0 {
		t.Errorf("%d failures, sent %v before the output was complete", n, w.sent)
	}
	w.run(2 * time.Second)
	if len(w.sent) != 1 {
		t.Errorf("sent %v", w.sent)
	}
}

// TestOutputEndsOverACrash: the daemon is killed in that second. The next daemon records where the output ends.
func TestOutputEndsOverACrash(t *testing.T) {
	for _, keep := range []bool{false, true} {
		for _, lives := range []time.Duration{time.Hour, 300 * time.Millisecond} {
			w := leaving(t, lives, func(d *jobfile.Definition) { d.KeepLeftovers = keep })
			w.finishDisk()
			w.crash()
			w.run(time.Second)
			w.start()
			w.run(5 * time.Second)
			w.isOver("over a crash")
			if n := slices.IndexFunc(w.journal, func(e statefile.Entry) bool { return e.Kind() == "output" }); n < 0 {
				t.Errorf("kept %t, lives %v: the journal does not say where the output ends", keep, lives)
			}
		}
	}
}
