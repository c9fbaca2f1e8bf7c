package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jobsd/statefile"
)

// killPatience is how long a process may take to die after KILL before the daemon ends without it.
const killPatience = 5 * time.Second

// stop makes a run end; by is the person or the reason.
func (c *Core) stop(r *run, by string) {
	if r.stopBy == "" && !r.leaderGone() {
		r.stopBy = by
	}
	c.move(r.number, evStop, nil)
}

func stopLater(*Core, *run, Event) {} // stopBy is set, and the process is stopped as soon as it exists

// stopForking kills a shim, which has nothing to clean up. A shim that hangs on a dead file system may survive that.
func stopForking(c *Core, r *run, _ Event) {
	if r.pid > 0 && r.kills == 0 {
		r.kills++
		c.emit(Signal{Run: r.number, Name: "KILL", Far: false})
		c.after(&r.timer, killPatience)
	}
}

// startTimedOut ends a start that takes too long. It publishes the outcome at once, because on a dead file system KILL
// may not reach the shim for days.
func startTimedOut(c *Core, r *run, _ Event) {
	switch {
	case r.kills > 0 && c.shutdown != nil:
		c.abandon(r)
	case r.stopBy != "":
		c.kill(r)
		c.after(&r.timer, killPatience)
	default:
		r.stopBy = "start timeout"
		c.recordStop(r)
		o := statefile.Run{Outcome: statefile.OutcomeStartError}
		r.blame(&o)
		c.end(r, o, leftProcesses)
		c.to(r, draining)
		c.kill(r)
		r.wait = probeMin
		c.after(&r.timer, r.wait)
	}
}

// lateEnd handles the end of a shim whose start had timed out.
func lateEnd(c *Core, r *run, _ Event) { c.emit(Probe{r.number, r.far()}) }

func lateFailure(c *Core, r *run, _ Event) { c.forget(r) }

func stopRunning(c *Core, r *run, _ Event) { c.terminate(r) }

func timedOut(c *Core, r *run, _ Event) { c.stop(r, "timeout") }

// terminate begins the stop sequence.
func (c *Core) terminate(r *run) {
	c.to(r, stopping)
	c.recordStop(r)
	c.signalStop(r, r.leaderOnly())
	c.setTimer(&r.timer, mono, int64(r.killAt))
}

// recordStop records the stop, so that a later daemon continues it if this one ends before.
func (c *Core) recordStop(r *run) {
	if l := r.live(); l != nil && l.StoppedBy == "" {
		c.record(&statefile.Stopping{Job: r.job.name, Run: r.number, By: r.stopBy})
	}
}

// leaderOnly reports whether the run is stopped by a signal to its leader alone, which then ends the rest.
func (r *run) leaderOnly() bool { return r.def.StopLeader }

// signalStop signals the run, or only its leader, to end, and sets the deadline. CONT wakes stopped processes, so that
// they can react.
func (c *Core) signalStop(r *run, leader bool) {
	r.killAt = c.now.Mono + r.def.StopTimeout
	if c.shutdown != nil && c.shutdown.Hurry {
		c.kill(r)
		return
	}
	for _, name := range []string{r.def.StopSignal, "CONT"} {
		c.emit(Signal{Run: r.number, Name: name, Far: r.far() && !leader, Leader: leader})
	}
}

func (c *Core) kill(r *run) {
	r.killAt = c.now.Mono + killPatience
	switch r.kills++; r.kills {
	case 1:
		c.logJob(r.job, Warn, "killing run "+itoa(r.number))
	case 2: // it hangs in the kernel, most likely on a dead disk or file system
		c.logJob(r.job, Error, "run "+itoa(r.number)+" survived KILL; waiting for it to die")
		c.markDirty(r.job)
	}
	c.emit(Signal{Run: r.number, Name: "KILL", Far: r.far()})
}

// logKilled logs the processes that had escaped the group of their run and were killed.
func (c *Core) logKilled(e Killed) {
	r := c.runs[e.Run]
	if r == nil {
		return
	}
	pids := make([]string, 0, len(e.PIDs))
	for _, pid := range e.PIDs[:min(len(e.PIDs), 20)] {
		pids = append(pids, strconv.Itoa(pid))
	}
	c.logJob(r.job, Warn, fmt.Sprintf("killed %d escaped processes of %s: %s", len(e.PIDs), r.title(), strings.Join(pids, " ")))
}

func stopHarder(c *Core, r *run, _ Event) {
	if c.shutdown != nil && c.shutdown.Hurry {
		killStopping(c, r, nil)
	}
}

// killStopping kills, and kills again as long as the process survives.
func killStopping(c *Core, r *run, _ Event) {
	if r.kills > 0 && c.shutdown != nil {
		c.abandon(r)
		return
	}
	c.kill(r)
	c.setTimer(&r.timer, mono, int64(r.killAt))
}

// abandon leaves a process behind that survives KILL, so that the daemon can end.
func (c *Core) abandon(r *run) {
	c.endOutput(r)
	c.logJob(r.job, Error, "run "+itoa(r.number)+" cannot be killed; leaving it behind")
	c.stopTimer(&r.timer)
	c.to(r, done)
	delete(c.runs, r.number)
	c.shutdown.Hurry = true // the daemon reports a failure
}

// stopLingering ends the moment of a run's leftovers, unless they may be only the zombie of a leader that this daemon
// cannot reap.
func stopLingering(c *Core, r *run, _ Event) {
	switch {
	case (c.loaded.known || c.shutdown != nil) && (!r.adopted || r.keepsLeftovers()):
		c.momentOver(r)
	case c.shutdown != nil && c.shutdown.Hurry:
		c.stopLeftovers(r)
	}
}

// stopDraining kills in a hurry.
func stopDraining(c *Core, r *run, _ Event) {
	if c.shutdown != nil && c.shutdown.Hurry {
		c.kill(r)
	}
}

// lookAtLeftovers checks whether the leftovers have ended, and decides about them after their moment. Before a load has
// read all definitions, nobody knows whether the job keeps its leftovers.
func lookAtLeftovers(c *Core, r *run, _ Event) {
	if c.now.Mono >= r.killAt && (c.loaded.known || c.shutdown != nil) {
		if c.momentOver(r); r.state == done {
			return
		}
	}
	c.lookLater(r)
}

// lookAgain checks whether a draining group is empty, and kills the group after its deadline.
func lookAgain(c *Core, r *run, _ Event) {
	if c.now.Mono >= r.killAt {
		if r.kills > 0 && c.shutdown != nil {
			c.abandon(r)
			return
		}
		c.kill(r)
	}
	c.lookLater(r)
}

// lookLater asks what is left of a run, and sets the time of the next look. Orphans wake the daemon by themselves if it
// is their subreaper. The timer is for processes that are not its children.
func (c *Core) lookLater(r *run) {
	c.emit(Probe{r.number, r.far()})
	r.wait = min(2*r.wait, probeMax)
	c.after(&r.timer, min(r.wait, max(probeMin, r.killAt-c.now.Mono)))
}

func drained(c *Core, r *run, e Event) {
	if e.(Probed).Left == 0 {
		c.forget(r)
	}
}

func (c *Core) probeDraining() {
	var list []uint64
	for number, r := range c.runs {
		if r.state.ended() {
			list = append(list, number)
		}
	}
	slices.Sort(list)
	for _, number := range list {
		c.emit(Probe{number, c.runs[number].far()})
	}
}
