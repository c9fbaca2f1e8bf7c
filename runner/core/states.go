package core

// runState is the state of one run.
type runState uint8

// pending   waits to be let in; why says for what. It can still be dropped
// intent    its intent was handed to the disk: from here on it will be started, come what may
// forking   its process is being made: the fork, then the exec behind the shim
// running   its program runs
// stopping  it was told to end; the kill deadline is set
// draining  its leader ended and its outcome is published, but its group is not empty
// done      over
const (
	pending runState = iota
	intent
	forking
	running
	stopping
	draining
	done
	nRunStates
)

// runStates are the words of the state file. Between intent and exec a run is starting.
var runStates = [nRunStates]string{"pending", "starting", "starting", "running", "stopping", "draining", "done"}

// runEvent is what can happen to a run.
type runEvent uint8

const (
	evPrepared   runEvent = iota // the disk did its part
	evForked                     // the process is there
	evExecuted                   // and is the job's program
	evNotStarted                 // no process, or not the job's program
	evExited                     // the leader was reaped
	evProbed                     // so many are left of the group
	evStop                       // it is to end
	evRing                       // its timer
	nRunEvents
)

var runEvents = [nRunEvents]string{"prepared", "forked", "executed", "not_started", "exited", "probed", "stop", "ring"}

// move is one cell of the table: what a run does about an event.
type move func(c *Core, r *run, e Event)

// moves is the life of a run. No cell is empty; impossible says why.
var moves [nRunStates][nRunEvents]move

func init() {
	const (
		noFork = "nothing was forked"
		noLead = "its leader was reaped"
		over   = "it is over and forgotten"
		once   = "its program runs already"
	)
	moves = [nRunStates][nRunEvents]move{
		pending: {
			evPrepared: ignore, evForked: impossible(noFork), evExecuted: impossible(noFork),
			evNotStarted: impossible(noFork), evExited: impossible(noFork), evProbed: impossible(noFork),
			evStop: drop, evRing: tryAgain,
		},
		intent: {
			evPrepared: forkPrepared, evForked: impossible(noFork), evExecuted: impossible(noFork),
			evNotStarted: impossible(noFork), evExited: impossible(noFork), evProbed: impossible(noFork),
			evStop: stopLater, evRing: forkUnjournaled,
		},
		forking: {
			evPrepared: ignore, evForked: forked, evExecuted: executed,
			evNotStarted: notStarted, evExited: leaderEnded, evProbed: ignore,
			evStop: stopForking, evRing: startTimedOut,
		},
		running: {
			evPrepared: ignore, evForked: impossible(once), evExecuted: impossible(once),
			evNotStarted: impossible(once), evExited: leaderEnded, evProbed: ignore,
			evStop: stopRunning, evRing: timedOut,
		},
		stopping: {
			evPrepared: ignore, evForked: impossible(once), evExecuted: impossible(once),
			evNotStarted: impossible(once), evExited: leaderEnded, evProbed: ignore,
			evStop: stopHarder, evRing: killStopping,
		},
		draining: {
			evPrepared: ignore, evForked: impossible(noLead), evExecuted: impossible(noLead),
			evNotStarted: impossible(noLead), evExited: impossible(noLead), evProbed: drained,
			evStop: stopDraining, evRing: lookAgain,
		},
		done: {
			evPrepared: impossible(over), evForked: impossible(over), evExecuted: impossible(over),
			evNotStarted: impossible(over), evExited: impossible(over), evProbed: impossible(over),
			evStop: impossible(over), evRing: impossible(over),
		},
	}
}

func (s runState) starting() bool { return s == intent || s == forking }

// to moves a run to a state.
func (c *Core) to(r *run, s runState) {
	switch was := r.state.starting(); {
	case s.starting() && !was:
		c.starting++
	case was && !s.starting():
		c.starting--
		c.regate = len(c.pending) > 0
	}
	r.state = s
}

// ignore is for what comes late by nature: the disk's answer for a run that did not wait for it, the answer to a probe.
func ignore(*Core, *run, Event) {}

func impossible(why string) move {
	return func(c *Core, r *run, e Event) {
		c.never("run %d of %s is %s and got %T: %s", r.number, r.job.name, runStates[r.state], e, why)
	}
}

// move looks the event of a run up in the table.
func (c *Core) move(number uint64, ev runEvent, e Event) {
	r := c.runs[number]
	if r == nil {
		if ev != evPrepared && ev != evProbed && ev != evExited { // these may come late, and after the daemon has left
			c.never("%s of run %d, which is not known", runEvents[ev], number)
		}
		return
	}
	c.inHand = r.job.name
	c.soil(r.job)
	moves[r.state][ev](c, r, e)
}
