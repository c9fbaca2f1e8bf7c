package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// recomputeJitter recomputes the delays of the jobs after the machine's name has changed.
func (c *Core) recomputeJitter() {
	for _, j := range c.order {
		if j.def.Jitter == 0 {
			continue
		}
		if j.delay = c.delay(j.def); !j.waits(c.now.Wall) {
			j.jitter = j.delay
		}
		c.needArm(j)
	}
}

// delay returns how long after its slots a job is due.
func (c *Core) delay(d *jobfile.Definition) time.Duration {
	return schedule.Jitter(d.Jitter, c.o.MachineID, c.o.Machine, d.Name)
}

// waits reports whether the job's slot has come but is still delayed by jitter.
func (j *job) waits(now time.Time) bool {
	return j.jitter > 0 && !j.next.IsZero() && !j.next.Add(-j.jitter).After(now) && j.next.After(now)
}
