package core

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// TestReloadAnswer: a client gets the result of a load that began after its request. One load answers all of them.
func TestReloadAnswer(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("same", schedule.Keys{}))
	w.put(w.define("changes", schedule.Keys{}))
	w.put(w.define("goes", schedule.Keys{}))
	w.start()
	began := w.boot
	w.run(time.Second)
	w.answers = nil
	ask := func(id uint64) { w.handle(Order{ID: id, Verb: VerbReload, By: "uid 0"}) }
	ask(1)
	w.run(time.Second)
	ask(2)
	early := &jobfile.Set{Config: &jobfile.Config{}, Jobs: w.defs, Zone: w.zone}
	w.handle(Loaded{Set: early, Begun: began, Done: w.boot})
	w.settle()
	if len(w.answers) > 0 {
		t.Fatalf("a load that began before the requests answers %+v", w.answers)
	}
	w.defs = slices.DeleteFunc(w.defs, func(j jobfile.Job) bool { return j.Def.Name == "goes" })
	changed := w.define("changes", schedule.Keys{})
	changed.Enabled = false
	w.put(changed)
	w.put(w.define("comes", schedule.Keys{}))
	set := w.set()
	set.Refused, set.Errors = 1, []*jobfile.Error{{File: "a.toml", Line: 2, Column: 3, Key: "cmd", Text: "is empty"}}
	w.handle(Loaded{Set: set, Begun: w.boot, Done: w.boot})
	w.settle()
	if len(w.answers) != 2 || w.answers[0].ID != 1 || w.answers[1].ID != 2 {
		t.Fatalf("got %+v", w.answers)
	}
	for _, a := range w.answers {
		r := a.Reload
		if !a.Last || a.Refused != nil || r == nil {
			t.Fatalf("got %+v", a)
		}
		if r.New != 1 || r.Changed != 1 || r.Removed != 1 || r.Unchanged != 1 || r.Refused != 1 ||
			!reflect.DeepEqual(r.Errors, set.Errors) || !reflect.DeepEqual(r.ChangedJobs, []string{"changes"}) {
			t.Errorf("got %+v", r)
		}
	}
	w.answers = nil
	w.load()
	if len(w.answers) > 0 {
		t.Errorf("the next load answers again: %+v", w.answers)
	}
}

// TestReloadFails: a load that cannot read the directory answers, too.
func TestReloadFails(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.run(time.Second)
	w.answers = nil
	w.handle(Order{ID: 1, Verb: VerbReload, By: "uid 0"})
	w.handle(Loaded{Set: &jobfile.Set{Config: &jobfile.Config{}, Zone: w.zone, Unread: true, Jobs: w.defs,
		Errors: []*jobfile.Error{{File: "jobs.d", Text: "permission denied"}}}, Begun: w.boot, Done: w.boot})
	w.settle()
	if len(w.answers) != 1 || w.answers[0].Reload == nil || len(w.answers[0].Reload.Errors) != 1 || w.answers[0].Reload.Unchanged != 1 {
		t.Errorf("got %+v", w.answers)
	}
}

// TestReloadAtShutdown: a shutdown refuses the clients whose load will not come. Before an upgrade they get no answer,
// so that they ask the next program.
func TestReloadAtShutdown(t *testing.T) {
	for name, c := range map[string]struct {
		e       Shutdown
		refused int
	}{
		"stop":    {Shutdown{By: "TERM"}, 2},
		"leave":   {Shutdown{By: "QUIT", Leave: true}, 2},
		"upgrade": {Shutdown{By: "upgrade", Leave: true, Upgrade: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.start()
			w.run(time.Second)
			w.answers = nil
			w.handle(Order{ID: 1, Verb: VerbReload, By: "uid 0"})
			w.handle(c.e)
			w.handle(Order{ID: 2, Verb: VerbReload, By: "uid 0"})
			w.settle()
			if len(w.answers) != c.refused {
				t.Fatalf("got %+v", w.answers)
			}
			for _, a := range w.answers {
				if a.Refused == nil || a.Refused.Text != shuttingDown || !a.Last {
					t.Errorf("got %+v", a)
				}
			}
		})
	}
}
