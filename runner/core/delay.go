package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// jitterAnew gives the jobs the delays that they have on a machine of another name.
func (c *Core) jitterAnew() {
	for _, j := range c.order {
		if j.def == nil || j.def.Jitter == 0 {
			continue
		}
		if j.delay = c.delay(j.def); !j.waits(c.now.Wall) {
			j.jitter = j.delay
		}
		c.needArm(j)
	}
}

// delay is how long after its slots a job is due.
func (c *Core) delay(d *jobfile.Definition) time.Duration {
	return schedule.Jitter(d.Jitter, c.o.MachineID, c.o.Machine, d.Name)
}

// waits tells whether a slot has come and is not due yet.
func (j *job) waits(now time.Time) bool {
	return j.jitter > 0 && !j.next.IsZero() && !j.next.Add(-j.jitter).After(now) && j.next.After(now)
}
