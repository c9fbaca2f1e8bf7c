package core

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// TestHerdIsAskedAboutOnce: however many runs wait, the end of one costs only questions about those that may go in next.
func TestHerdIsAskedAboutOnce(t *testing.T) {
	const herd = 300
	for name, c := range map[string]struct {
		most   int
		lock   string
		caught bool // the slots are made up for after a night
		fails  bool // each run fails, and waits for its retry
		apiece int  // questions for each run
	}{
		"no limit":                   {apiece: 1},
		"max_running":                {most: 4, apiece: 2},
		"lock":                       {lock: "db", apiece: 2},
		"lock and max_running":       {most: 4, lock: "db", apiece: 4},
		"catch-up":                   {caught: true, apiece: 3},
		"catch-up and max_running":   {most: 2, caught: true, apiece: 3},
		"catch-up and lock":          {lock: "db", caught: true, apiece: 4},
		"retries":                    {fails: true, apiece: 2},
		"retries and max_running":    {most: 4, fails: true, apiece: 3},
		"all of these":               {most: 2, lock: "db", caught: true, fails: true, apiece: 5},
		"max_running, one at a time": {most: 1, apiece: 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.calm, w.lasts, w.config.MaxRunning = true, time.Second, c.most
			w.wall = time.Date(2026, 5, 5, 11, 59, 0, 0, w.loc)
			if c.fails {
				w.script = func(Start) (time.Duration, int) { return time.Second, 1 }
			}
			for n := range herd {
				d := w.define(fmt.Sprintf("job%03d", n), schedule.Keys{Cron: []string{"0 12 * * *"}})
				d.Lock = c.lock
				if c.fails {
					d.Retries, d.RetryDelay, d.RetryMaxDelay = 1, time.Hour, time.Hour
				}
				w.put(d)
			}
			w.start()
			if c.caught {
				w.crash()
				w.wall, w.boot, w.mono = w.wall.Add(time.Hour), w.boot+time.Hour, w.mono+time.Hour
				w.start()
			}
			w.run(6 * time.Hour)
			runs := herd
			if c.fails {
				runs *= 2
			}
			if got := w.stats["ended"]; got != runs {
				t.Errorf("%d runs, want %d", got, runs)
			}
			if asked := w.c.gate.asked; asked > c.apiece*runs {
				t.Errorf("asked %d times about %d runs, want at most %d about each", asked, runs, c.apiece)
			}
		})
	}
}

// TestNoRunWaitsForNothing starts, stops and reloads few jobs that are often in each other's way. Its world checks after
// each turn that no run waits that could start.
func TestNoRunWaitsForNothing(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		w.calm, w.lasts, w.leaves = true, 20*time.Second, time.Duration(seed%3)*5*time.Second
		rng := rand.New(rand.NewPCG(seed, seed))
		change := func(n int) {
			d := w.define(fmt.Sprint("job", n), schedule.Keys{Every: new(fmt.Sprint(20+rng.IntN(60), "s"))})
			d.Lock = []string{"", "red", "red", "red", "blue"}[rng.IntN(5)]
			d.Overlap = []jobfile.Overlap{jobfile.Allow, jobfile.Queue, jobfile.Replace}[rng.IntN(3)]
			if rng.IntN(4) == 0 {
				w.serve(d)
			}
			d.ProcessHash = jobfile.Hash(1 + rng.IntN(100))
			w.put(d)
		}
		for n := range 8 {
			change(n)
		}
		w.start()
		for range 150 {
			w.run(time.Duration(rng.IntN(8)) * time.Second)
			for range rng.IntN(6) {
				verb := []Verb{VerbStart, VerbStart, VerbStop}[rng.IntN(3)]
				w.handle(Order{ID: 1, Verb: verb, Job: fmt.Sprint("job", rng.IntN(8)), By: "root"})
			}
			switch rng.IntN(6) {
			case 0:
				change(rng.IntN(8))
				w.loadInTurn()
			case 1:
				w.config.MaxRunning = rng.IntN(3)
				w.loadInTurn()
			}
			w.settle()
		}
		if t.Failed() {
			t.Fatal("seed ", seed)
		}
	}
}

// TestNextForLockIsStopped: of the runs that wait for a lock, the first waits for a place when the lock is free. If that
// one is stopped, the second takes its place.
func TestNextForLockIsStopped(t *testing.T) {
	w := newWorld(t, 1)
	w.calm, w.lasts, w.config.MaxRunning = true, time.Hour, 2
	for name, lock := range map[string]string{"holder": "db", "long": "", "before": "", "first": "db", "second": "db"} {
		d := w.define(name, schedule.Keys{})
		d.Lock = lock
		w.put(d)
	}
	w.start()
	order := func(verb Verb, job string) {
		w.handle(Order{ID: 1, Verb: verb, Job: job, By: "root"})
		w.settle()
		w.run(time.Second)
	}
	for _, job := range []string{"holder", "long", "before", "first", "second"} {
		order(VerbStart, job)
	}
	for _, job := range []string{"holder", "first", "long"} {
		order(VerbStop, job)
	}
	if r := w.c.jobs["second"].runs[0]; r.state != running {
		t.Errorf("the run of second is %s and waits for %q", r.state, r.why)
	}
}
