package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A scheduler is a peer that runs jobs by time.
type scheduler struct {
	name  string
	needs []string // programs; without one of them the peer is left out
	grain time.Duration
	ready string // what it prints when it has loaded its jobs, "" if it prints nothing
	// start starts it with n jobs that run a command at an instant, and each day.
	start func(w *bench, n int, at time.Time, cmd ...string) (*process, error)
}

var schedulers = []scheduler{debianCron, supercronic, robfig}

// installed reports whether all programs are there.
func installed(programs ...string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return false
		}
	}
	return true
}

// eachScheduler makes an entry of each installed scheduler.
func eachScheduler(measure func(*bench, scheduler) (values, error)) (all []entry) {
	for _, s := range schedulers {
		if installed(s.needs...) {
			all = append(all, entry{s.name, func(w *bench) (values, error) { return measure(w, s) }})
		}
	}
	return all
}

// herdPeers let n jobs be due at one instant.
func herdPeers(n int) []entry {
	return eachScheduler(func(w *bench, s scheduler) (values, error) {
		stamps := filepath.Join(w.scratch, "stamps")
		if err := makeStamps(stamps); err != nil {
			return nil, err
		}
		const lead = 5 * time.Second
		due := time.Now().Add(lead).Truncate(s.grain).Add(s.grain)
		p, err := s.startReady(w, n, due, w.stamp, stamps)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		if err := w.waitQuiet(p.pid()); err != nil {
			return nil, err
		}
		before, jobs := cpuOfAll(p.pid()), childrenOf(p.pid())
		if time.Now().After(due) {
			return nil, fmt.Errorf("was not at rest %v after its start", lead)
		}
		all, err := w.waitStamps(p, stamps, n)
		if err != nil {
			return nil, err
		}
		if err := w.waitQuiet(p.pid()); err != nil {
			return nil, err
		}
		return herdValues(p, n, due, all, before, jobs), nil
	})
}

// idlePeers have n jobs that are due half a day from now.
func idlePeers(n int, window time.Duration) []entry {
	return eachScheduler(func(w *bench, s scheduler) (values, error) {
		p, err := s.startReady(w, n, time.Now().Add(12*time.Hour), "/bin/true")
		if err != nil {
			return nil, err
		}
		defer p.stop()
		return w.lookAt(p.pid(), window)
	})
}

func (s scheduler) startReady(w *bench, n int, at time.Time, cmd ...string) (*process, error) {
	p, err := s.start(w, n, at, cmd...)
	if err != nil || s.ready == "" {
		return p, err
	}
	if _, err := w.waitLine(p, 0, s.ready); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// reloadPeers read n jobs again. Only supercronic does that when a signal asks for it. It logs that before it has parsed
// them, so its CPU is the only figure that says something.
func reloadPeers(n, times int) []entry {
	if !installed(supercronic.needs...) {
		return nil
	}
	return []entry{{supercronic.name, func(w *bench) (values, error) {
		p, err := supercronic.startReady(w, n, time.Now().Add(12*time.Hour), "/bin/true")
		if err != nil {
			return nil, err
		}
		defer p.stop()
		var used []float64
		for range times {
			if err := w.waitQuiet(p.pid()); err != nil {
				return nil, err
			}
			before, lines := cpuOfAll(p.pid()), p.written()
			if err := p.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
				return nil, err
			}
			if _, err := w.waitLine(p, lines, supercronic.ready); err != nil {
				return nil, err
			}
			if err := w.waitQuiet(p.pid()); err != nil {
				return nil, err
			}
			used = append(used, usedSince(before, cpuOfAll(p.pid())))
		}
		return values{reloadCPU: median(used)}, nil
	}}}
}

// withSeconds is a cron expression with seconds that is due at an instant of each day, for programs that use local time.
func withSeconds(at time.Time) string {
	return fmt.Sprintf("%d %d %d * * *", at.Second(), at.Minute(), at.Hour())
}
