package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

const (
	firstStart = "first start after the due instant"
	lastStart  = "last start after the due instant"
	ownCPU     = "CPU a job: the program and its helpers"
	jobCPU     = "CPU a job: its process, from the fork on"
)

// herd starts many jobs that are due at one instant. The jobs write the time at which they start to a file.
var herd = &benchmark{
	name:    "herd",
	about:   "many jobs due at one instant, beside a bare loop around ForkExec",
	figures: []figure{{lastStart, unitSeconds}, {firstStart, unitSeconds}, {ownCPU, unitSeconds}, {jobCPU, unitSeconds}},
	rounds:  7,
	prepare: func(w *bench) ([]entry, string, error) {
		n := w.size(1000, 200)
		own := w.jobsds(func(w *bench, program string) (values, error) { return w.herdOf(program, n, "") })
		return w.with(bareHerd(n), own, herdPeers(n)...), plural(n, "job") + " with cmd due at one instant", nil
	},
}

// bareHerd is the floor.
func bareHerd(n int) entry {
	return entry{"floor: ForkExec loop", func(w *bench) (values, error) {
		stamps := filepath.Join(w.scratch, "stamps")
		if err := makeStamps(stamps); err != nil {
			return nil, err
		}
		due := time.Now().Add(time.Second).Truncate(time.Second).Add(time.Second)
		p, err := w.startFloor("floor-herd", strconv.Itoa(n), strconv.FormatInt(due.UnixNano(), 10), w.stamp, stamps)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		all, err := w.waitStamps(p, stamps, n)
		if err != nil {
			return nil, err
		}
		got, err := w.waitFloor(p)
		if err != nil {
			return nil, err
		}
		got[firstStart], got[lastStart] = starts(all, due)
		return got, nil
	}}
}

// herdOf lets jobsd run n jobs with these additional keys at one instant.
func (w *bench) herdOf(program string, n int, keys string) (values, error) {
	// The daemon must be at rest before the jobs are due. If it is not, the next attempt leaves more time.
	for lead := 4*time.Second + time.Duration(n)*200*time.Microsecond; ; lead *= 2 {
		got, early, err := w.herdAfter(lead, program, n, keys)
		if early || err != nil {
			return got, err
		}
		if lead > patience {
			return nil, fmt.Errorf("jobsd does not load %s within %v", plural(n, "job"), lead)
		}
	}
}

// herdAfter runs the jobs after a time. It reports whether the daemon was at rest early enough.
func (w *bench) herdAfter(lead time.Duration, program string, n int, keys string) (got values, early bool, err error) {
	due := time.Now().Add(lead).Truncate(time.Second).Add(time.Second)
	stamps := filepath.Join(w.scratch, "stamps")
	if err := makeStamps(stamps); err != nil {
		return nil, false, err
	}
	job := fmt.Sprintf("cmd = [%q, %q]\nat = %q\n%s", w.stamp, stamps, due.UTC().Format(time.RFC3339), keys)
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("job-%05d.toml", i)] = job
	}
	root, err := w.makeRoot(files)
	if err != nil {
		return nil, false, err
	}
	d, err := w.startDaemon(program, root)
	if err != nil {
		return nil, false, err
	}
	defer d.stop()
	// What the daemon does ahead of the instant counts as work for the jobs, and what it does for the load does not.
	if err := w.waitQuiet(d.pid()); err != nil {
		return nil, false, err
	}
	before, jobs := cpuOfAll(d.pid()), childrenOf(d.pid())
	if time.Until(due) < time.Second {
		return nil, false, nil
	}
	all, err := w.waitStamps(d.process, stamps, n)
	if err != nil {
		return nil, true, err
	}
	if err := w.waitEnds(d, n); err != nil {
		return nil, true, err
	}
	return herdValues(d.process, n, due, all, before, jobs), true, nil
}

// herdValues are the figures of a process whose n jobs have started. The CPU times are those before the due instant.
func herdValues(p *process, n int, due time.Time, all []stamp, before usages, jobs float64) values {
	got := values{}
	if showsUsage {
		got[ownCPU] = usedSince(before, cpuOfAll(p.pid())) / float64(n)
		const step = 0.01 // of what the kernel shows
		if used := childrenOf(p.pid()) - jobs; used >= 2*step {
			got[jobCPU] = used / float64(n)
		}
	}
	got[firstStart], got[lastStart] = starts(all, due)
	return got
}
