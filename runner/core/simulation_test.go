package core

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "replay the simulation with this seed alone; with -seeds: begin with it")
	seedsFlag = flag.Int("seeds", 0, "simulate so many seeds that nobody has tried; 0: those that are always tried")
)

// TestSimulation runs random jobs for random days with reloads, exits, crashes, reboots, sleep and clock changes.
// Replay a failure with: go test ./runner/core -run TestSimulation -seed N
func TestSimulation(t *testing.T) {
	if *seedFlag != 0 && *seedsFlag == 0 {
		simulate(t, *seedFlag)
		return
	}
	first, seeds := uint64(1), 100
	if *seedsFlag > 0 {
		first, seeds = cmp.Or(*seedFlag, uint64(time.Now().UnixNano())), *seedsFlag
	}
	total, visits := map[string]int{}, map[visit]int{}
	var mu sync.Mutex
	ok := t.Run("lives", func(t *testing.T) {
		for seed := first; seed < first+uint64(seeds); seed++ {
			t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
				t.Parallel()
				defer func() {
					if t.Failed() {
						t.Logf("replay with: go test ./runner/core -run TestSimulation -seed %d", seed)
					}
				}()
				w := simulate(t, seed)
				mu.Lock()
				defer mu.Unlock()
				for what, n := range w.stats {
					total[what] += n
				}
				for v, n := range w.visits {
					visits[v] += n
				}
			})
		}
	})
	if !ok {
		return
	}
	t.Logf("seeds %d to %d: %v", first, first+uint64(seeds)-1, total)
	if seeds >= 100 {
		unvisited(t, visits)
	}
	for _, what := range []string{"exited", "lost", "stopped", "start_error", "signaled", "skipped", "missed", "epoch", "drained",
		"accounted", "order", "dropped", "stable", "delivery", "held", "notification", "disabled", "delayed", "leaderless", "output", "message", "late", "slow",
		"uncounted", "expected", "unforked", "forking"} {
		if total[what] == 0 && seeds >= 100 {
			t.Errorf("no simulated life saw %q: the simulation has become too tame", what)
		}
	}
}

func simulate(t *testing.T, seed uint64) *world {
	w := newWorld(t, seed)
	w.limit()
	for n := range 2 + w.rng.IntN(6) {
		w.put(w.randomJob(fmt.Sprint("job", n)))
	}
	w.start()
	for range 60 {
		w.run(time.Duration(w.rng.ExpFloat64() * float64(40*time.Minute)))
		w.disturb()
	}
	w.finishDisk()
	w.replayed()
	w.end()
	w.account()
	w.outputs()
	w.checkDelayed()
	return w
}

// limit sets how many runs may be alive at once.
func (w *world) limit() { w.config.MaxRunning = []int{0, 0, 0, 0, 1, 2}[w.rng.IntN(6)] }

func (w *world) randomJob(name string) *jobfile.Definition {
	p := func(s string) *string { return &s }
	var k schedule.Keys
	switch w.rng.IntN(6) {
	case 0:
		k.StartAt = []string{fmt.Sprintf("%02d:%02d", w.rng.IntN(24), w.rng.IntN(60)), "02:30", "1:30am"}
	case 1:
		k.Cron = []string{fmt.Sprintf("*/%d * * * *", 1+w.rng.IntN(20))}
	case 2:
		k.Cron = []string{fmt.Sprintf("%d %d * * *", w.rng.IntN(60), w.rng.IntN(24)), "*/7 */2 * * *"}
	case 3:
		k.Every = p(fmt.Sprintf("%ds", 1+w.rng.IntN(4000)))
	case 4:
		at := w.wall.Add(time.Duration(w.rng.IntN(7200)-600) * time.Second)
		k.At = p(at.Format(time.RFC3339))
	}
	d := w.define(name, k)
	switch w.rng.IntN(4) {
	case 0:
		d.CatchUp.Max = 0
	case 1:
		d.CatchUp.Max = time.Duration(w.rng.IntN(7200)) * time.Second
	}
	d.Enabled = w.rng.IntN(10) > 0
	if w.rng.IntN(4) == 0 {
		d.Jitter = time.Duration(1+w.rng.IntN(300)) * time.Second
		d.ScheduleHash += jobfile.Hash(d.Jitter)
	}
	if w.rng.IntN(4) == 0 {
		d.Timeout = time.Duration(1+w.rng.IntN(60)) * time.Second
	}
	d.AtBoot = w.rng.IntN(4) == 0
	for w.rng.IntN(4) == 0 {
		if n := int(name[len(name)-1] - '0'); n > 0 { // cycles are refused
			d.After = append(d.After, fmt.Sprint("job", w.rng.IntN(n)))
		}
	}
	d.Overlap = []jobfile.Overlap{jobfile.Skip, jobfile.Skip, jobfile.Queue, jobfile.Replace}[w.rng.IntN(4)]
	if w.rng.IntN(4) == 0 {
		d.Lock = []string{"red", "blue"}[w.rng.IntN(2)]
	}
	d.KeepLeftovers = w.rng.IntN(4) == 0
	if w.rng.IntN(3) == 0 {
		d.Retries, d.RetryDelay, d.RetryMaxDelay = int32(1+w.rng.IntN(3)), time.Duration(1+w.rng.IntN(600))*time.Second, time.Hour
	}
	if w.rng.IntN(2) == 0 {
		if w.rng.IntN(4) == 0 {
			d.Expect = &jobfile.Expect{SuccessWithin: time.Duration(1+w.rng.IntN(50)) * time.Hour, DoneWithin: time.Duration(1+w.rng.IntN(60)) * time.Second}
		}
		d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1 + w.rng.IntN(3), OnRecovery: []string{"r"}}
		if w.rng.IntN(2) == 0 {
			d.Notify.OnFailure, d.Notify.OnSuccess = []string{"f"}, []string{"s"}
		}
	}
	if w.rng.IntN(5) == 0 {
		w.serve(d)
	}
	d.ProcessHash = jobfile.Hash(1 + w.rng.IntN(3))
	return d
}

// serve turns a job into a service.
func (w *world) serve(d *jobfile.Definition) {
	d.KeepAlive = &jobfile.KeepAlive{Restart: w.restart(), Delay: time.Second, MaxDelay: 5 * time.Minute, Stable: time.Minute}
	d.Schedule = w.schedule(schedule.Keys{})
	d.ScheduleHash = hashOf("%v", d.Schedule)
	d.AtBoot, d.After, d.Lock, d.Retries, d.Overlap, d.Jitter = false, nil, "", 0, jobfile.Skip, 0
}

// restart returns any policy, most often the default.
func (w *world) restart() jobfile.Restart {
	all := []jobfile.Restart{jobfile.Always, jobfile.Always, jobfile.OnFailure, jobfile.OnSuccess, jobfile.Never}
	return all[w.rng.IntN(len(all))]
}

// order gives a random order of a person.
func (w *world) order() {
	o := Order{Verb: []Verb{VerbStart, VerbStop, VerbRestart, VerbDisable, VerbEnable}[w.rng.IntN(5)],
		Job: fmt.Sprint("job", w.rng.IntN(12)), By: "uid 0"}
	switch o.Verb {
	case VerbStart:
		o.In = time.Duration(w.rng.IntN(4)-2) * time.Duration(w.rng.IntN(7200)) * time.Second
		fallthrough
	case VerbRestart:
		if o.Verb == VerbRestart && w.rng.IntN(3) == 0 {
			o.Until = w.wall.Add(time.Duration(w.rng.IntN(7200)) * time.Second)
		}
		o.Wait = w.rng.IntN(2) == 0
	case VerbStop:
		if j := w.c.jobs[o.Job]; j != nil && len(j.delayed) > 0 && w.rng.IntN(2) == 0 {
			o.Run = j.delayed[w.rng.IntN(len(j.delayed))].Run
		}
	case VerbDisable, VerbEnable:
		if o.Verb == VerbDisable && w.rng.IntN(3) == 0 {
			o.Until = w.wall.Add(time.Duration(w.rng.IntN(7200)) * time.Second)
		}
		if w.rng.IntN(4) == 0 {
			o.Job = ""
		}
	}
	w.note("%s %s in %s", o.Verb, o.Job, o.In)
	w.stats["order"]++
	for range 1 + w.rng.IntN(2) {
		o.ID = w.rng.Uint64()
		w.handle(o)
		w.settle()
	}
	if o.Verb == VerbDisable && w.rng.IntN(3) > 0 { // not forever, or nothing would happen
		w.run(time.Duration(w.rng.IntN(7200)) * time.Second)
		w.handle(Order{ID: w.rng.Uint64(), Verb: VerbEnable, Job: o.Job, By: "uid 0"})
		w.settle()
	}
}

// race makes slots come due in the turn in which their jobs are removed and sometimes come back.
func (w *world) race() {
	wait := w.c.Wait()
	d := wait.Wall.Sub(w.wall)
	if wait.Wall.IsZero() || d < 0 || d > 6*time.Hour {
		return
	}
	w.run(max(0, d-time.Nanosecond))
	w.wall, w.boot, w.mono = w.wall.Add(time.Second), w.boot+time.Second, w.mono+time.Second
	w.note("removed as they are due")
	w.handle(Due{})
	was := w.defs
	w.defs = nil
	w.load()
	if w.rng.IntN(2) == 0 {
		w.run(time.Duration(w.rng.IntN(20)) * time.Second)
	}
	w.defs = was
	w.load()
}

func (w *world) runUntilDraining() {
	for range 200 {
		w.step(time.Minute)
		for _, r := range w.c.sortedRuns() {
			if r.state.ended() {
				w.handle(Order{ID: 1, Verb: VerbStop, Job: r.job.name, By: "uid 0"})
				w.settle()
				return
			}
		}
	}
}

// stopUnwritten lets a person stop a run that started although the disk hangs.
func (w *world) stopUnwritten() {
	w.stalled = max(w.stalled, w.mono) + 5*time.Minute
	for range 40 {
		w.step(time.Minute)
		for _, r := range w.c.sortedRuns() {
			if r.state == running && !w.written[r.number] {
				w.handle(Order{ID: w.rng.Uint64(), Verb: VerbStop, Job: r.job.name, By: "uid 0"})
				w.settle()
				return
			}
		}
	}
}

// finishDisk lets the disk finish all its requests.
func (w *world) finishDisk() {
	for w.swift = true; len(w.queue) > 0; {
		w.run(time.Minute)
	}
	w.swift = false
}

// disturb makes one of the usual disturbances happen.
func (w *world) disturb() {
	switch n := w.rng.IntN(23); n {
	case 22:
		w.stopUnwritten()
	case 19:
		w.race()
	case 20: // a person stops a run that has just ended
		w.runUntilDraining()
	case 16, 17, 18:
		w.order()
	case 0, 1, 2: // a reload, or two in a turn
		w.limit()
		for range w.rng.IntN(3) {
			w.edit()
			w.loadInTurn()
		}
		w.settle()
	case 3: // sleep: the monotonic clock stands still
		d := time.Duration(w.rng.IntN(10*3600)) * time.Second
		w.note("sleep %v", d)
		w.wall, w.boot = w.wall.Add(d), w.boot+d
		w.handle(Due{})
		w.settle()
	case 4, 5, 6: // someone sets the clock
		for _, d := range []time.Duration{time.Duration(w.rng.IntN(7200)-3600) * time.Second, -5 * time.Hour,
			365 * 24 * time.Hour}[min(2, w.rng.IntN(12)/5):][:1] {
			w.setClock(d)
			if d > 24*time.Hour { // a wrong clock is corrected
				w.run(time.Minute)
				w.setClock(-d)
			}
		}
	case 7, 8:
		w.awaitDraining()
		w.crash()
		w.run(time.Duration(w.rng.IntN(3600)) * time.Second)
		w.start()
	case 13:
		w.awaitIntent()
		w.crash()
		w.run(time.Duration(w.rng.IntN(4)*w.rng.IntN(900)) * time.Second)
		w.start()
	case 14: // twice in a row
		w.awaitIntent()
		w.crash()
		w.start()
		w.awaitIntent()
		w.crash()
		w.run(time.Duration(w.rng.IntN(3600)) * time.Second)
		w.start()
	case 9:
		w.reboot(time.Duration(w.rng.IntN(72*3600)) * time.Second)
		w.start()
	case 10:
		w.end()
		w.run(time.Duration(w.rng.IntN(3600)) * time.Second)
		w.start()
	case 12: // a daemon is told to end before its first load
		w.crash()
		w.begin()
		w.end()
		w.start()
	case 11: // leave the jobs running, as for an upgrade by hand
		w.handle(Shutdown{By: "QUIT", Leave: true})
		w.settle()
		w.crash()
		w.start()
	}
}

// awaitDraining lets a few turns pass until a run has ended but some of its processes have not. What the next daemon
// does with these is rare otherwise.
func (w *world) awaitDraining() {
	for range w.rng.IntN(40) {
		for _, r := range w.c.runs {
			if r.state.ended() {
				return
			}
		}
		w.step(time.Minute)
	}
}

// awaitIntent lets a few turns pass until the intent of a run is on disk and the run is not forked yet.
func (w *world) awaitIntent() {
	for range 40 {
		for _, r := range w.c.runs {
			if r.state == intent && w.written[r.number] {
				return
			}
		}
		w.step(time.Minute)
	}
}

func (w *world) setClock(d time.Duration) {
	w.note("clock set by %v", d)
	w.stats["set"]++
	w.wall = w.wall.Add(d)
	w.handle(Due{})
	w.settle()
}

func (w *world) edit() {
	switch n := w.rng.IntN(4); {
	case n == 0 && len(w.defs) > 1:
		i := w.rng.IntN(len(w.defs))
		w.defs = slices.Delete(w.defs, i, i+1)
	case n == 2 && w.rng.IntN(4) == 0: // back to what its file said before
		w.put(w.olds[len(w.olds)-1-w.rng.IntN(min(10, len(w.olds)))])
	case n == 1:
		w.put(w.randomJob(fmt.Sprint("job", w.rng.IntN(12))))
	default:
		if len(w.defs) > 0 {
			w.put(w.randomJob(w.defs[w.rng.IntN(len(w.defs))].Def.Name))
		}
	}
}

// end shuts the daemon down and checks that nothing of its jobs is left.
func (w *world) end() {
	w.handle(Shutdown{By: "TERM"})
	w.settle()
	for range 1000 {
		if w.exited != nil {
			break
		}
		w.step(time.Second)
	}
	if w.exited == nil {
		w.fatal("the daemon does not end: %d runs left", len(w.c.runs))
	}
	if w.exited.Failed && !w.undead {
		w.fatal("the daemon did not end in order")
	}
	for run, p := range w.procs {
		if p.leader && p.dies < killPatience {
			w.fatal("run %d of %s outlived the daemon's orderly end", run, p.job)
		}
	}
	w.finishDisk()
	if _, ok := w.journal[len(w.journal)-1].Record.(*statefile.Clean); !ok {
		w.fatal("the journal does not end with clean but %s", w.journal[len(w.journal)-1].Kind())
	}
	w.c, w.todo = nil, nil
	clear(w.procs)
}
