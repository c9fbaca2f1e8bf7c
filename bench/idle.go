package main

import (
	"fmt"
	"time"
)

const (
	idleCPU      = "CPU in a minute"
	idleSwitches = "context switches in a minute"
	idleRSS      = "memory: resident"
	idlePSS      = "memory: resident, shared pages divided by their users"
)

// idle looks at a daemon that has many jobs and nothing to do.
var idle = &benchmark{
	name:    "idle",
	about:   "many jobs and nothing to do, beside a program that waits in poll",
	figures: []figure{{idleCPU, unitSeconds}, {idleSwitches, unitNumber}, {idleRSS, unitBytes}, {idlePSS, unitBytes}},
	rounds:  1,
	needs:   needsUsage,
	prepare: func(w *bench) ([]entry, string, error) {
		n, window := w.size(10_000, 10_000), w.idleWindow()
		floor := entry{"floor: poll", func(w *bench) (values, error) {
			p, err := w.startFloor("floor-idle")
			if err != nil {
				return nil, err
			}
			defer p.stop()
			if _, err := w.waitFloor(p); err != nil {
				return nil, err
			}
			return w.lookAt(p.pid(), window)
		}}
		own := w.jobsds(func(w *bench, program string) (got values, err error) {
			err = w.withIdle(program, n, func(d *daemon) error {
				got, err = w.lookAt(d.pid(), window)
				return err
			})
			return got, err
		})
		return w.with(floor, own, idlePeers(n, window)...), fmt.Sprintf("%s that are not due for %v", plural(n, "job"), window), nil
	},
}

func needsUsage() string {
	if !showsUsage {
		return "only Linux shows what another process uses"
	}
	return ""
}

func (o *options) idleWindow() time.Duration {
	switch {
	case o.window > 0:
		return o.window
	case o.short:
		return 5 * time.Second
	}
	return time.Minute
}

// idleJobs returns job files that are due half a day from now. No two are the same.
func idleJobs(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[idleName(i)] = idleJob(i)
	}
	return files
}

func idleName(i int) string { return fmt.Sprintf("job-%05d.toml", i) }

func idleJob(i int) string {
	hour := (time.Now().Hour() + 12) % 24
	return fmt.Sprintf("cmd = [\"/bin/true\", \"%d\"]\ncron = \"%d %d * * *\"\n", i, i%60, hour)
}

// lookAt waits until a process and its helpers are at rest, and then sees what they use.
func (w *bench) lookAt(pid int, window time.Duration) (values, error) {
	if err := w.waitRest(pid); err != nil {
		return nil, err
	}
	before := usageOfAll(pid).total()
	began := time.Now()
	if err := w.until(began.Add(window)); err != nil {
		return nil, err
	}
	after := usageOfAll(pid).total()
	minutes := time.Since(began).Minutes()
	return values{
		idleCPU:      (after.cpu - before.cpu) / minutes,
		idleSwitches: (after.switches - before.switches) / minutes,
		idleRSS:      after.rss,
		idlePSS:      after.pss,
	}, nil
}

// waitRest waits until a process and its helpers have used no CPU to speak of, and no more and no less memory, for some
// seconds. A daemon that has just loaded its jobs returns memory to the system during that time.
func (w *bench) waitRest(pid int) error {
	const calm = 4 * time.Second
	was, since := usageOfAll(pid).total(), time.Now()
	return w.await("a process at rest", patience, func() (bool, error) {
		if err := w.until(time.Now().Add(calm / 8)); err != nil {
			return false, err
		}
		is := usageOfAll(pid).total()
		if is.rss != was.rss || is.cpu-was.cpu > 0.0002 {
			was, since = is, time.Now()
		}
		return time.Since(since) >= calm, nil
	})
}
