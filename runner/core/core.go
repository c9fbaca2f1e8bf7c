package core

import (
	"fmt"
	"math/rand/v2"
	"time"

	"jobsd/statefile"
)

// Options describes the machine and how the core behaves.
type Options struct {
	MachineID string // for jitter
	Machine   string // the host name, or its replacement in the settings
	BootID    string // unique if the kernel has none

	BootUnknown bool                                                  // nobody knows whether the machine was booted since the previous daemon
	CPUs        int                                                   // this number of catch-up runs may run at once, but at least two
	Seed        uint64                                                // seeds the random delays
	Visited     func(machine string, run uint64, from, event, to int) // called at each move, for tests; may be nil
	Strict      bool                                                  // panic at an impossible event
	Stack       func() []byte                                         // returns the stack for reports of internal errors
	DelayedArgs map[uint64][]string                                   // the arguments of delayed starts and of runs that were about to start
}

// Core holds all jobs and runs. Only one goroutine may use it. Events go in by [Core.Handle]; the tables of jobs and runs
// say what they do; effects come out by [Core.Effects].
type Core struct {
	o     Options
	now   Now // the time of the turn
	clock wallClock
	facts *statefile.Facts // what the journal says
	copy  *statefile.Copy  // of them, for a checkpoint; nil: none is being made

	jobs       map[string]*job
	order      []*job            // by name
	disordered bool              // order holds new or deleted jobs
	follow     map[string][]*job // jobs that run after the job of that name
	alarm      alarm             // ends the disabling of all jobs

	runs    map[uint64]*run
	lastRun uint64 // the run counter, pending runs included
	pending waitlist
	gate    gate
	outputs map[uint64]*output // of runs whose outcome is known, until all output is in the log
	timers  [nClocks]timers
	rng     *rand.Rand

	loaded     loaded
	deliveries deliveries
	previous   previous
	troubles   troubles
	asleep     time.Duration // since boot, as far as it is recorded, less the steps of the wall clock that are not
	shutdown   *Shutdown
	early      early // a shutdown that waits for the first load
	over       bool  // Exit was emitted

	turn    turn
	changes changes
}

// turn is what the events of one turn leave for its end.
type turn struct {
	arm     []*job // jobs in state NEEDS_ARM
	notRun  []*job // jobs with slots that were skipped or missed
	inHand  string // the job whose event is being handled
	effects []Effect
}

// New returns a core that continues from facts.
func New(o Options, facts *statefile.Facts, now Now) *Core {
	return &Core{
		o: o, now: now, clock: wallClock{offset: offsetOf(now)}, facts: facts,
		jobs: map[string]*job{}, runs: map[uint64]*run{}, outputs: map[uint64]*output{}, lastRun: facts.HighestRun(),
		gate:       gate{share: max(2, o.CPUs), locks: map[string]uint64{}, inside: map[uint64]claim{}},
		rng:        rand.New(rand.NewPCG(o.Seed, o.Seed)),
		deliveries: deliveries{look: true},
	}
}

// Facts returns what a checkpoint taken now must hold: everything recorded up to now. Later events change it.
func (c *Core) Facts() *statefile.Facts {
	c.facts.Prune(c.now.Wall)
	return c.facts
}

// checkpointStep is how many jobs one turn copies for a checkpoint; some milliseconds.
const checkpointStep = 4096

// Checkpoint returns a copy of that. It returns nil if this needs more turns; then call it again in the next one.
func (c *Core) Checkpoint() *statefile.Facts {
	if c.copy == nil {
		c.facts.Prune(c.now.Wall)
		c.copy = c.facts.BeginCopy()
	}
	facts := c.copy.Step(checkpointStep)
	if facts != nil {
		c.copy = nil
	}
	return facts
}

// ID returns the id of the state directory.
func (c *Core) ID() string { return c.facts.ID }

// InHand returns the job whose event is being handled. After a panic it names the job to blame.
func (c *Core) InHand() string { return c.turn.inHand }

// Ready reports whether a first load is in force, and the number of jobs.
func (c *Core) Ready() (jobs int, ok bool) { return len(c.order), c.loaded.ready }

// Known reports whether a load has read all definitions. A load that could not read the directory has not.
func (c *Core) Known() bool { return c.loaded.known }

// Settled reports whether the first load is in force, or will never be because the daemon is shutting down.
func (c *Core) Settled() bool { return c.loaded.ready || c.shutdown != nil }

// Ending reports whether the daemon is about to end.
func (c *Core) Ending() bool { return c.shutdown != nil || c.early.e != nil }

// Waits returns the name of a job with a pending run that only this daemon knows: a person requested it, or the success
// of another job did. It returns "" if there is none.
func (c *Core) Waits() string {
	for _, r := range c.sortedRuns() {
		if r.state == pending && r.onlyHere() {
			return r.job.name
		}
	}
	return ""
}

// Handle processes one event.
func (c *Core) Handle(now Now, e Event) {
	c.turn.inHand = ""
	c.readClock(now)
	switch e := e.(type) {
	case Due:
		c.ringDue(e.Most)
	case Loaded:
		c.load(e)
	case Shutdown:
		c.shut(e)
	case Order:
		c.obey(e)
	case OutputBegan:
		c.outputBegan(e)
	case OutputEnded:
		c.outputEnded(e)
	case Delivered:
		c.delivered(e)
	case Trouble:
		c.note(e)
	case Found:
		c.move(e.Run, evFound, e)
	case Gone:
		c.move(e.Run, evGone, e)
	case Orphan:
		c.probeDraining()
	case Prepared:
		c.move(e.Run, evPrepared, e)
	case Forked:
		c.move(e.Run, evForked, e)
	case Executed:
		c.move(e.Run, evExecuted, e)
	case NotStarted:
		c.move(e.Run, evNotStarted, e)
	case Exited:
		c.move(e.Run, evExited, e)
	case Probed:
		c.move(e.Run, evProbed, e)
	case Killed:
		c.logKilled(e)
	}
}

// Settle does the work that belongs at the end of a turn: it computes next slots and admits pending runs. A job that
// became due and was removed in the same turn does not start.
func (c *Core) Settle() {
	if c.disordered {
		c.sortOrder()
	}
	for len(c.turn.arm) > 0 {
		list := c.turn.arm
		c.turn.arm = nil
		for _, j := range list {
			c.moveJob(j, jeTurn, nil)
			c.expect(j)
		}
	}
	if c.deliveries.look {
		c.deliver()
	}
	c.admit()
	if len(c.turn.notRun) > 0 {
		c.writeDueNotRun()
	}
	if c.shutdown != nil && !c.over && c.messagesAnswered() && (len(c.runs) == 0 && c.outputsWritten() || c.shutdown.Leave && c.gate.starting == 0) {
		c.leave()
	}
}

// Effects returns the effects to perform, in order, and clears the list.
func (c *Core) Effects() []Effect {
	e := c.turn.effects
	c.turn.effects = nil
	return e
}

func (c *Core) emit(e Effect) { c.turn.effects = append(c.turn.effects, e) }

// at returns the time of the turn as the journal writes it.
func (c *Core) at() statefile.Time { return statefile.At(c.now.Wall) }

// record applies r to the facts and appends it to the journal.
func (c *Core) record(r statefile.Record) { c.emit(Append{c.apply(r)}) }

func (c *Core) apply(r statefile.Record) statefile.Entry {
	e := statefile.Entry{At: c.at(), Record: r}
	c.facts.Apply(e)
	return e
}

func (c *Core) say(level Level, job, text string, args ...any) {
	if job != "" {
		args = append([]any{"job", job}, args...)
	}
	c.emit(Say{level, text, args})
}

// never reports an impossible event.
func (c *Core) never(format string, args ...any) {
	text := "internal error: " + fmt.Sprintf(format, args...)
	if c.o.Strict {
		panic(text)
	}
	c.say(Error, "", text)
}
