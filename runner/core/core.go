package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

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
	DelayedArgs map[uint64][]string                                   // the arguments of delayed starts, by run
}

// Core holds all jobs and runs. Only one goroutine may use it. Events go in by [Core.Handle]; the tables of jobs and runs
// say what they do; effects come out by [Core.Effects].
type Core struct {
	o     Options
	now   Now // the time of the turn
	clock wallClock
	facts *statefile.Facts // what the journal says

	jobs       map[string]*job
	order      []*job            // by name
	disordered bool              // order holds new or deleted jobs
	follow     map[string][]*job // jobs that run after the job of that name
	alarm      alarm             // ends the disabling of all jobs

	runs    map[uint64]*run
	lastRun uint64 // the run counter, pending runs included
	pending waitlist
	gate    gate
	timers  [nClocks]timers
	rng     *rand.Rand

	loaded     loaded
	deliveries deliveries
	previous   previous
	trouble    []Trouble
	shutdown   *Shutdown
	early      early // a shutdown that waits for the first load
	over       bool  // Exit was emitted

	turn    turn
	changes changes
}

// previous says how the previous daemon ended. Both are false if the machine went down, or if there was none.
type previous struct{ clean, crashed bool }

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
		jobs: map[string]*job{}, runs: map[uint64]*run{}, lastRun: facts.HighestRun(),
		gate:       gate{share: max(2, o.CPUs), locks: map[string]uint64{}, inside: map[uint64]claim{}},
		rng:        rand.New(rand.NewPCG(o.Seed, o.Seed)),
		deliveries: deliveries{daemon: &job{name: "jobsd", def: undefined, state: deleted}},
	}
}

// Facts returns what a checkpoint taken now must hold: everything recorded up to now.
func (c *Core) Facts() *statefile.Facts {
	c.facts.Prune(c.now.Wall)
	return c.facts.Clone()
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
	for _, r := range c.pending.runs {
		if r.state == pending && r.onlyHere() {
			return r.job.name
		}
	}
	return ""
}

// Troubled reports whether a part of the daemon has trouble.
func (c *Core) Troubled(part string) bool {
	return slices.ContainsFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
}

// Handle processes one event.
func (c *Core) Handle(now Now, e Event) {
	c.turn.inHand = ""
	c.readClock(now)
	switch e := e.(type) {
	case Due:
		c.ringDue()
	case Loaded:
		c.load(e)
	case Shutdown:
		c.shut(e)
	case Order:
		c.obey(e)
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
	c.sortOrder()
	for len(c.turn.arm) > 0 {
		list := c.turn.arm
		c.turn.arm = nil
		for _, j := range list {
			c.moveJob(j, jeTurn, nil)
		}
	}
	c.deliver()
	c.admit()
	c.writeDueNotRun()
	if c.shutdown != nil && !c.over && (len(c.runs) == 0 || c.shutdown.Leave && c.gate.starting == 0) {
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

// note sets or clears one trouble of the daemon.
func (c *Core) note(e Trouble) {
	i := slices.IndexFunc(c.trouble, func(t Trouble) bool { return t.Part == e.Part })
	switch {
	case e.Text == "" && i < 0, i >= 0 && c.trouble[i].Text == e.Text:
		return
	case e.Text == "":
		c.trouble = slices.Delete(c.trouble, i, i+1)
		c.say(Info, "", e.Part+" has recovered")
	case i < 0:
		c.trouble = append(c.trouble, e)
		c.say(Error, "", e.Text)
	default:
		c.trouble[i] = e
		c.say(Error, "", e.Text)
	}
	c.changes.daemon = true
}

func (c *Core) shutNow(e Shutdown) {
	if c.over || c.shutdown != nil && c.shutdown.Hurry {
		return
	}
	if e.Upgrade && c.shutdown != nil {
		return
	}
	if c.shutdown != nil && !c.shutdown.Upgrade && !e.Leave {
		e.By, e.Hurry = c.shutdown.By, true
	}
	c.shutdown = &e
	c.changes.daemon = true
	if !e.Upgrade { // otherwise the clients ask the next program, because their connections end
		c.refuseReloads()
	}
	for _, r := range slices.Clone(c.pending.runs) {
		c.dropAtShutdown(r)
	}
	for _, j := range c.order {
		c.stopTimer(&j.timer)
	}
	if e.Leave { // the daemon ends once each starting run has its process in the journal
		c.say(Info, "", "leaving the jobs running", "by", e.By, "running", len(c.runs)-len(c.pending.runs))
		for _, r := range c.sortedRuns() {
			switch {
			case r.state == pending:
				c.stop(r, "shutdown")
			case r.delivery != nil && r.pid > 0: // no daemon would supervise it; the notification stays owed
				c.emit(Signal{Run: r.number, Name: "KILL", Far: true})
			}
		}
		return
	}
	if !e.Hurry {
		c.say(Info, "", "stopping all jobs", "by", e.By, "running", len(c.runs)-len(c.pending.runs))
	} else {
		c.say(Warn, "", "killing all jobs", "by", e.By, "running", len(c.runs)-len(c.pending.runs))
	}
	for _, r := range c.sortedRuns() {
		c.stop(r, "shutdown")
	}
}

// leave ends the daemon cleanly.
func (c *Core) leave() {
	for _, j := range c.order {
		c.writeNotRun(j)
	}
	c.record(&statefile.Clean{By: c.shutdown.By, LastRun: c.lastRun})
	c.emit(Exit{Failed: c.shutdown.Hurry, Upgrade: c.shutdown.Upgrade})
	c.over = true
	for _, r := range c.runs {
		c.stopTimer(&r.timer)
	}
	c.runs, c.pending = map[uint64]*run{}, waitlist{}
}

func (c *Core) sortedRuns() []*run {
	all := make([]*run, 0, len(c.runs))
	for _, r := range c.runs {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *run) int { return int(int64(a.number) - int64(b.number)) })
	return all
}

func sortJobs(jobs []*job) {
	slices.SortFunc(jobs, func(a, b *job) int { return strings.Compare(a.name, b.name) })
}

// Begin records that a daemon started. If the previous daemon of the same boot left no Clean record, it crashed.
func (c *Core) Begin(now Now, r statefile.Start) {
	c.now, c.clock.began = now, now.Wall
	if c.o.BootUnknown {
		r.BootID = ""
	}
	known := c.facts.BootID != "" && r.BootID != ""
	clean := c.facts.Clean
	r.Unclean = !clean && known && c.facts.BootID == r.BootID
	power := !clean && known && c.facts.BootID != r.BootID
	c.record(&r)
	c.reserve()
	c.previous.clean, c.previous.crashed = clean, r.Unclean
	switch {
	case r.Unclean && r.Suspect != "" && c.facts.Job(r.Suspect).SetAside:
		c.say(Error, r.Suspect, "set aside: the daemon crashed twice in a row while it handled this job")
	case r.Unclean:
		c.say(Warn, "", "the previous daemon crashed", "unclean_restarts", c.facts.Unclean)
	case power:
		c.say(Warn, "", "the machine went down while the daemon was running")
	case !clean:
		c.say(Warn, "", "the previous daemon crashed, or the machine went down")
	}
}
