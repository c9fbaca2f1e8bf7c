package core

import (
	"slices"

	"jobsd/statefile"
)

// runState is the state of one run.
type runState uint8

// These are the states of a run, in the order of its life. Some code asks whether a state is before or after another one.
const (
	pending   runState = iota // waits to be let in; why says for what. It can still be dropped
	intent                    // its intent was handed to the disk; from here on it will be started in any case
	forking                   // its process is being created: the fork, then the exec behind the shim
	outlived                  // the previous daemon left it behind, and no file defines its job yet; fate says what is left of it
	running                   // its program is running
	stopping                  // it was asked to end; the deadline for KILL is set
	lingering                 // its outcome is published and its leader has ended; its group gets a moment to end by itself
	draining                  // its outcome is published, but something of it was alive and asked to end; the deadline for KILL is set
	done                      // it is over
	nRunStates
)

// runStates are the names of the states, here and in the state file. A person does not see the difference between states
// that have the same name in the state file.
var runStates = [nRunStates]struct {
	name  string
	shown statefile.RunState
}{
	pending:   {"pending", statefile.RunPending},
	intent:    {"intent", statefile.RunStarting},
	forking:   {"forking", statefile.RunStarting},
	outlived:  {"outlived", statefile.RunRunning},
	running:   {"running", statefile.RunRunning},
	stopping:  {"stopping", statefile.RunStopping},
	lingering: {"lingering", statefile.RunDraining},
	draining:  {"draining", statefile.RunDraining},
	done:      {"done", "done"}, // the state file does not have it
}

func (s runState) String() string { return runStates[s].name }

func (s runState) shown() statefile.RunState { return runStates[s].shown }

// runEvent is what can happen to a run.
type runEvent uint8

const (
	evAdmit      runEvent = iota // nothing holds it back
	evPrepared                   // the disk has done its part
	evForked                     // the process exists
	evExecuted                   // and has become the job's program
	evNotStarted                 // there is no process, or it did not become the job's program
	evFound                      // the shell has found it alive
	evGone                       // the shell has not
	evDefined                    // a load has defined its job, or has read all definitions and has none for it
	evExited                     // the leader was reaped
	evProbed                     // the number of processes left in the group
	evStop                       // it must end
	evRing                       // its timer is due
	evBroken                     // the handling of one of these panicked
	nRunEvents
)

// runEvents are the names of the events in the diagram of HACKING.md.
var runEvents = [nRunEvents]string{
	evAdmit: "let in", evPrepared: "prepared", evForked: "forked", evExecuted: "executed", evNotStarted: "not started",
	evFound: "found", evGone: "gone", evDefined: "defined", evExited: "exited", evProbed: "probed", evStop: "stop",
	evRing: "timer", evBroken: "panic"}

func (e runEvent) String() string { return runEvents[e] }

// move is how a run handles an event.
type move func(c *Core, r *run, e Event)

// runCell is one cell of the table: the function to call, and the states in which it may leave the run. Without states,
// the event is impossible.
type runCell struct {
	do move
	to []runState
}

func runs(do move, to ...runState) runCell { return runCell{do, to} }

// never makes a cell for an impossible event; why is the reason.
func never(why string) runCell {
	return runCell{func(c *Core, r *run, e Event) {
		c.never("run %d of %s is %s and got %T: %s", r.number, r.job.name, r.state, e, why)
	}, nil}
}

// moves is the life of a run. No cell is empty.
var moves [nRunStates][nRunEvents]runCell

func init() {
	const (
		noFork = "nothing was forked"
		in     = "it was let in"
		noLead = "its leader was reaped"
		lives  = "its leader lives"
		over   = "it is over and forgotten"
		once   = "its program runs already"
		before = "the previous daemon started it"
		here   = "this daemon started it, or knows already what is left of it"
		has    = "it has its definition, or no longer needs one"
	)
	moves = [nRunStates][nRunEvents]runCell{
		pending: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:    runs(begin, intent),
			evPrepared: runs(ignore, pending), // the disk was too slow for a fork that then failed
			evForked:   never(noFork), evExecuted: never(noFork), evNotStarted: never(noFork), evExited: never(noFork), evProbed: never(noFork),
			evStop:   runs(drop, done),
			evRing:   runs(tryAgain, pending),
			evBroken: runs(loseRun, done),
		},
		intent: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:    never(in),
			evPrepared: runs(forkPrepared, forking, done),
			evForked:   never(noFork), evExecuted: never(noFork), evNotStarted: never(noFork), evExited: never(noFork), evProbed: never(noFork),
			evStop:   runs(stopLater, intent),
			evRing:   runs(forkUnjournaled, forking, done),
			evBroken: runs(loseRun, done),
		},
		forking: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:      never(in),
			evPrepared:   runs(ignore, forking), // it was forked without waiting for the disk
			evForked:     runs(forked, forking, running, stopping),
			evExecuted:   runs(executed, running, stopping),
			evNotStarted: runs(notStarted, pending, done),
			evExited:     never("its shim reports first whether it became the job's program"),
			evProbed:     never(lives),
			evStop:       runs(stopForking, forking),
			evRing:       runs(startTimedOut, forking, draining, done),
			evBroken:     runs(brokenStart, forking, running, stopping, done),
		},
		outlived: {
			evAdmit: never(before), evPrepared: never(before), evForked: never(before), evExecuted: never(before),
			evNotStarted: never(before),
			evFound:      runs(foundAlive, outlived),
			evGone:       runs(foundGone, outlived, lingering, done),
			evDefined:    runs(continueOutlived, pending, outlived, running, stopping, lingering, draining, done),
			evExited:     runs(leaderEnded, lingering, draining, done),
			evProbed:     never(lives),
			evStop:       runs(stopOutlived, outlived, stopping, lingering, draining, done),
			evRing:       never("it has no timer"),
			evBroken:     runs(brokenRun, outlived, stopping, done),
		},
		running: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:    never(in),
			evPrepared: runs(ignore, running),
			evForked:   never(once), evExecuted: never(once), evNotStarted: never(once),
			evExited: runs(leaderEnded, lingering, done),
			evProbed: never(lives),
			evStop:   runs(stopRunning, stopping),
			evRing:   runs(timedOut, stopping),
			evBroken: runs(brokenRun, running, stopping, done),
		},
		stopping: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:    never(in),
			evPrepared: runs(ignore, stopping),
			evForked:   never(once), evExecuted: never(once), evNotStarted: never(once),
			evExited: runs(leaderEnded, draining),
			evProbed: never(lives),
			evStop:   runs(stopHarder, stopping, done),
			evRing:   runs(killStopping, stopping, done),
			evBroken: runs(brokenRun, stopping, done),
		},
		lingering: {
			evFound: never(here), evGone: never(here),
			evDefined:  runs(settleRemains, lingering, draining, done),
			evAdmit:    never(in),
			evPrepared: runs(ignore, lingering),
			evForked:   never(once), evExecuted: never(once), evNotStarted: never(once), evExited: never(noLead),
			evProbed: runs(drained, lingering, done),
			evStop:   runs(stopLingering, lingering, draining, done),
			evRing:   runs(lookAtLeftovers, lingering, draining, done),
			evBroken: runs(brokenRun, lingering, draining, done),
		},
		draining: {
			evFound: never(here), evGone: never(here), evDefined: never(has),
			evAdmit:      never(in),
			evPrepared:   runs(ignore, draining),
			evForked:     never(noLead),
			evExecuted:   runs(ignore, draining), // its start had timed out, as for the next two
			evNotStarted: runs(lateFailure, done),
			evExited:     runs(lateEnd, draining),
			evProbed:     runs(drained, draining, done),
			evStop:       runs(stopDraining, draining, done),
			evRing:       runs(lookAgain, draining, done),
			evBroken:     runs(brokenRun, draining, done),
		},
		done: {
			evAdmit: never(over), evPrepared: never(over), evForked: never(over), evExecuted: never(over),
			evNotStarted: never(over), evFound: never(over), evGone: never(over), evDefined: never(over),
			evExited: never(over), evProbed: never(over), evStop: never(over), evRing: never(over),
			evBroken: runs(loseRun, done), // it may not be forgotten everywhere
		},
	}
}

// starting reports whether the run has an intent but no program yet.
func (s runState) starting() bool { return s >= intent && s <= forking }

// ended reports whether the outcome of the run is published.
func (s runState) ended() bool { return s >= lingering }

// to moves a run to a state.
func (c *Core) to(r *run, s runState) {
	switch was := r.state.starting(); {
	case s.starting() && !was:
		c.gate.starting++
	case was && !s.starting():
		c.gate.starting--
	}
	r.state = s
	c.askSiblings(r)
}

// comesLate are the events that may come when the run is over, or when the daemon has left.
var comesLate = [nRunEvents]bool{evPrepared: true, evFound: true, evGone: true, evExited: true, evProbed: true}

// ignore is for events that may come too late.
func ignore(*Core, *run, Event) {}

// move handles an event of a run by the table.
func (c *Core) move(number uint64, ev runEvent, e Event) {
	r := c.runs[number]
	if r == nil {
		if !comesLate[ev] {
			c.never("%s of run %d, which is not known", ev, number)
		}
		return
	}
	c.react(r, ev, e)
}

func (c *Core) react(r *run, ev runEvent, e Event) {
	c.turn.inHand = r.job.name
	if ev != evBroken { // a panic over a panic ends the daemon
		defer c.rescueRun(r, ev)
	}
	c.markDirty(r.job)
	from, cell := r.state, &moves[r.state][ev]
	cell.do(c, r, e)
	if c.o.Visited != nil {
		c.o.Visited("run", r.number, int(from), int(ev), int(r.state))
	}
	if cell.to != nil && !slices.Contains(cell.to, r.state) {
		c.never("run %d of %s went from %s to %s at %s", r.number, r.job.name, from, r.state, ev)
	}
}
