package core

import (
	"fmt"

	"jobsd/statefile"
)

// An internal error in the handling of one job must not end all others. A panic over a job or a run is logged with its
// stack, the job is set aside as internal_error until a person changes or starts it, and the daemon continues. A panic
// outside of any job crashes the daemon: the processes stay alive, and the next daemon adopts them.

// caught logs a panic. Strict lets it through for tests.
func (c *Core) caught(p any, job string) (text string) {
	if p == nil {
		return ""
	}
	if c.o.Strict {
		panic(p)
	}
	text = fmt.Sprint(p)
	args := []any{"err", text}
	if c.o.Stack != nil {
		args = append(args, "stack", string(c.o.Stack()))
	}
	c.say(Error, job, "internal error", args...)
	return text
}

func (c *Core) rescueRun(r *run, ev runEvent) {
	if text := c.caught(recover(), r.job.name); text != "" {
		c.setAside(r.job, text)
		c.react(r, evBroken, broken{ev})
	}
}

func (c *Core) rescueJob(j *job) {
	if text := c.caught(recover(), j.name); text != "" {
		c.setAside(j, text)
	}
}

// rescueLoad handles a panic over a definition, which may not have a job yet.
func (c *Core) rescueLoad(name string) {
	if text := c.caught(recover(), name); text != "" && c.jobs[name] != nil {
		c.setAside(c.jobs[name], text)
		c.jobs[name].load = c.loaded.count
	}
}

func (c *Core) rescueOrder(o Order) {
	if text := c.caught(recover(), o.Job); text != "" {
		c.refuse(o, "internal error: %s", text)
	}
}

// rescueDelivery drops all owed notifications, so that they do not crash the daemon again at each start. It also forgets
// the messages on their way. Their answers come to nothing.
func (c *Core) rescueDelivery() {
	if text := c.caught(recover(), ""); text != "" {
		for _, l := range c.deliveries.lanes {
			c.stopTimer(&l.timer)
		}
		c.deliveries.lanes, c.deliveries.look = nil, false
		t := &statefile.Delivery{Error: "internal error: " + text}
		for _, o := range c.facts.Notifications {
			t.IDs = append(t.IDs, o.ID)
		}
		c.record(t)
	}
}

// setAside stops handling a job after an internal error until a person intervenes. The job's process is left alone.
func (c *Core) setAside(j *job, text string) {
	if j.state == deleted {
		return
	}
	if j.facts == nil {
		j.facts = c.facts.Job(j.name)
	}
	c.stopTimer(&j.timer)
	j.slots.next = 0
	if j.defined() {
		j.state = waiting
	}
	if !j.facts.SetAside {
		s := &statefile.SetAside{Job: j.name, Error: text}
		c.notifySetAside(j, s)
		c.record(s)
	}
	c.markDirty(j)
}

// broken is the event of a run whose handling of another event panicked. The run must not make anything wait forever, but
// a process that is alive is left alone unless it was to end.
type broken struct{ during runEvent }

func (broken) event() {}

func brokenStart(c *Core, r *run, e Event) {
	switch during := e.(broken).during; {
	case during == evForked || during == evExecuted:
		c.to(r, running)
	default:
		brokenRun(c, r, e)
	}
}

func brokenRun(c *Core, r *run, e Event) {
	switch during := e.(broken).during; {
	case during == evExited || during == evNotStarted || r.pid == 0 || r.leaderGone() && !r.state.ended():
		loseRun(c, r, e)
	case during == evStop || during == evRing || r.state == stopping && during != evPrepared: // the normal way to end it may be what failed
		if r.stopBy == "" {
			r.stopBy = "internal error"
		}
		if r.state.ended() {
			c.to(r, draining)
		} else {
			c.to(r, stopping)
		}
		c.recordStop(r)
		r.killAt = c.now.Mono + killPatience
		c.emit(Signal{Run: r.number, Name: "KILL", Far: true})
		c.after(&r.timer, killPatience)
	}
}

// loseRun drops a run. If the journal knows of it, its outcome is lost.
func loseRun(c *Core, r *run, _ Event) {
	open := !r.outputOver && !r.discards()
	c.endOutput(r)
	j, at := r.job, c.at()
	o := statefile.Run{Run: r.number, Slot: r.slot, Reason: r.reason, Attempt: r.attempt, StartedAt: r.startedAt, EndedAt: at,
		Outcome: statefile.OutcomeLost, LostStage: r.lostStage(), Missed: r.missed, Unjournaled: r.unjournaled}
	switch {
	case r.intended:
		ended := &statefile.Ended{Job: j.name, Outcome: o, Failed: true, Drained: true, Open: open}
		c.notifyLost(r, ended)
		c.record(ended)
		if open {
			c.awaitOutput(j.name, r.number)
		}
		c.record(&statefile.Drained{Job: j.name, Run: r.number}) // in case its outcome is already known
	case r.delayed():
		c.record(&statefile.Dropped{Job: j.name, Run: r.number, Why: "internal error"})
	case !r.slot.IsZero():
		c.record(&statefile.NotRun{Job: j.name, Reason: statefile.CauseError, First: r.slot, Last: r.slot, Number: 1,
			Epoch: r.epoch, At: r.isAt(), Anchor: r.anchor})
	}
	c.unlist(r)
}
