package main

import (
	"fmt"
	"os/exec"
)

const (
	emptyMemory  = "no job"
	loadedMemory = "many jobs"
	ranMemory    = "many jobs, after one has run: with the recorder"
	againMemory  = "many jobs, after a reload"
	jobMemory    = "what each job takes"
)

// memory shows the proportional set size of a daemon and its helpers, which is the memory that would be free without
// them, at several points of its life.
var memory = &benchmark{
	name:  "memory",
	about: "what the daemon and its helpers occupy, beside a program that waits in poll",
	figures: []figure{{emptyMemory, unitBytes}, {loadedMemory, unitBytes}, {ranMemory, unitBytes}, {againMemory, unitBytes},
		{jobMemory, unitBytes}},
	rounds: 1,
	needs:  needsUsage,
	prepare: func(w *bench) ([]entry, string, error) {
		n := w.size(10_000, 10_000)
		floor := entry{"floor: poll, and the text of a job file", func(w *bench) (values, error) {
			p, err := w.startFloor("floor-idle")
			if err != nil {
				return nil, err
			}
			defer p.stop()
			if _, err := w.waitFloor(p); err != nil {
				return nil, err
			}
			m, err := w.memoryOf(p.pid())
			return values{emptyMemory: m, loadedMemory: m, ranMemory: m, againMemory: m, jobMemory: float64(len(idleJob(1)))}, err
		}}
		own := w.jobsds(func(w *bench, program string) (values, error) { return w.memoryStages(program, n) })
		return w.with(floor, own), plural(n, "job") + "; memory of all processes, shared pages divided by their users", nil
	},
}

// memoryOf waits until a process and its helpers are at rest, and returns their memory.
func (w *bench) memoryOf(pid int) (float64, error) {
	if err := w.waitRest(pid); err != nil {
		return 0, err
	}
	return usageOfAll(pid).total().pss, nil
}

func (w *bench) memoryStages(program string, n int) (values, error) {
	got := values{}
	err := w.withIdle(program, 0, func(d *daemon) (err error) {
		got[emptyMemory], err = w.memoryOf(d.pid())
		return err
	})
	if err != nil {
		return nil, err
	}
	return got, w.withIdle(program, n, func(d *daemon) (err error) {
		if got[loadedMemory], err = w.memoryOf(d.pid()); err != nil {
			return err
		}
		got[jobMemory] = (got[loadedMemory] - got[emptyMemory]) / float64(n)
		start := exec.CommandContext(w, program, "start", "job-00001", "--wait", "--root", d.root)
		if out, err := start.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot start a job: %w\n%s", err, out)
		}
		if got[ranMemory], err = w.memoryOf(d.pid()); err != nil {
			return err
		}
		if _, err = w.reloadChanged(d, n); err != nil {
			return err
		}
		got[againMemory], err = w.memoryOf(d.pid())
		return err
	})
}

// withIdle runs a daemon with n jobs that are not due.
func (w *bench) withIdle(program string, n int, do func(*daemon) error) error {
	root, err := w.makeRoot(idleJobs(n))
	if err != nil {
		return err
	}
	d, err := w.startDaemon(program, root)
	if err != nil {
		return err
	}
	defer d.stop()
	return do(d)
}
