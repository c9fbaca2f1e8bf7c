// Package core is the pure half of the runner: a time and an event in, effects out. It makes no system call, starts no
// goroutine and reads no clock, so that the daemon and a simulation of years run the same code.
//
// In each turn the shell calls Handle for what happened, Settle once, and then performs what Effects returns.
package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// Options is what the core must know of its world.
type Options struct {
	MachineID string // for jitter
	Machine   string // host name, or what stands for it
	BootID    string // like no other where it is not known

	BootUnknown bool                                      // nothing tells whether the machine was booted since the last daemon
	CPUs        int                                       // so many catch-ups, but two at least, run at once
	Seed        uint64                                    // for what is spread by chance
	Visited     func(machine string, from, event, to int) // of each move, for tests; nil: nobody looks
	Strict      bool                                      // panic where something happens that cannot happen
	Stack       func() []byte                             // who called, for what the daemon says of its own mistakes
	Promised    map[uint64][]string                       // the arguments of starts that are to come, by run
}

// Core holds every job and every run. One goroutine owns it.
type Core struct {
	o      Options
	now    Now
	began  time.Time     // the wall clock when the daemon began
	offset time.Duration // of the wall clock from the boot clock
	peak   time.Time     // the latest that the clock has shown in this epoch, as far as a step tells
	facts  *statefile.Facts

	jobs      map[string]*job
	order     []*job // by name
	runs      map[uint64]*run
	outlived  map[uint64]Outlived // of the daemon before this one, and not adopted yet
	pending   []*run              // not let in yet
	arm       []*job              // NEEDS_ARM
	regate    bool                // a pending run may be let in now
	shuffled  bool                // pending is out of order
	catching  int                 // catch-ups that run
	running   int                 // runs of all kinds but services
	starting  int                 // runs between intent and process
	locks     map[string]*run     // who has each lock
	dirty     []*job
	streaking []*job // with slots that were passed in this turn
	removed   []string
	timers    [nClocks]timers
	lastRun   uint64 // the run counter, pending runs included

	config   *jobfile.Config
	dir      string // of the job files
	zone     string // id of the machine's own time zone
	loads    uint64
	unsorted bool
	compact  bool              // order holds deleted jobs
	follow   map[string][]*job // jobs that run after the one of that name
	reload   statefile.Reload
	alarm    alarm // ends the disabling of all jobs
	ready    bool
	known    bool // a load has told which jobs there are
	clean    bool // the daemon before this one ended in order
	crashed  bool // or it crashed
	trouble  []Trouble
	shutdown *Shutdown
	early    early // and one that waits for the first load
	over     bool  // Exit was said
	touched  bool  // something of the daemon itself changed

	post       postman
	commands   map[string]*run // of notifications, by job
	lastNotice uint64
	lastOwed   uint64
	self       *job // stands for the daemon where a job is expected
	rng        *rand.Rand
	inHand     string // the job that is being seen to

	effects []Effect
}

// New returns a core that goes on from facts.
func New(o Options, facts *statefile.Facts, now Now) *Core {
	return &Core{
		self: &job{name: "jobsd", state: deleted}, rng: rand.New(rand.NewPCG(o.Seed, o.Seed)),
		o: o, now: now, offset: now.Wall.Sub(time.Unix(0, int64(now.Boot))), facts: facts,
		jobs: map[string]*job{}, runs: map[uint64]*run{}, locks: map[string]*run{}, lastRun: facts.HighestRun(),
	}
}

// Facts returns what a checkpoint taken now must hold: all that was appended so far and nothing else.
func (c *Core) Facts() *statefile.Facts {
	c.facts.Prune(c.now.Wall)
	return c.facts.Clone()
}

// ID returns the id of the state directory.
func (c *Core) ID() string { return c.facts.ID }

// InHand returns the job that was being seen to, should the core not have come back.
func (c *Core) InHand() string { return c.inHand }

// Ready tells whether a first load is in force, and of how many jobs.
func (c *Core) Ready() (jobs int, ok bool) { return len(c.order), c.ready }

// Known tells whether a load has told which jobs there are. One that could not read the directory does not.
func (c *Core) Known() bool { return c.known }

// Settled tells whether the first load is in force, or will not be any more.
func (c *Core) Settled() bool { return c.ready || c.shutdown != nil }

// Ending tells whether the daemon is about to end.
func (c *Core) Ending() bool { return c.shutdown != nil || c.early.e != nil }

// Waits returns a job of which a run waits to be let in that only this daemon knows of: somebody asked for it, or another
// job's success did. "": there is none.
func (c *Core) Waits() string {
	for _, r := range c.pending {
		if r.onlyHere() {
			return r.job.name
		}
	}
	return ""
}

// Troubled tells whether something is wrong with a part of the daemon.
func (c *Core) Troubled(part string) bool {
	return slices.ContainsFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
}

// Handle takes in one event.
func (c *Core) Handle(now Now, e Event) {
	c.inHand = ""
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
	case Reminded:
		c.reminded(e)
	case Trouble:
		c.note(e)
	case Adopted:
		c.adopt(e)
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
		c.tellKilled(e)
	}
}

// Settle does what waits for the end of a turn, so that a job which was due and was removed in the same turn is not
// started: it computes next slots and lets pending runs in.
func (c *Core) Settle() {
	c.sortOrder()
	for len(c.arm) > 0 {
		list := c.arm
		c.arm = nil
		for _, j := range list {
			c.moveJob(j, jeTurn, nil)
		}
	}
	c.deliver()
	if c.regate {
		c.regate = false
		c.admit()
	}
	c.writeStreaks()
	if c.shutdown != nil && !c.over && (len(c.runs) == 0 || c.shutdown.Leave && c.starting == 0) {
		c.leave()
	}
}

// Effects returns what is to be done, in order, and forgets it.
func (c *Core) Effects() []Effect {
	e := c.effects
	c.effects = nil
	return e
}

func (c *Core) emit(e Effect) { c.effects = append(c.effects, e) }

// at returns the time of the turn for the journal.
func (c *Core) at() statefile.Time { return statefile.At(c.now.Wall) }

// record makes r a fact and appends it to the journal.
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

// never is called where something happened that cannot happen.
func (c *Core) never(format string, args ...any) {
	text := "internal error: " + fmt.Sprintf(format, args...)
	if c.o.Strict {
		panic(text)
	}
	c.say(Error, "", text)
}

// note sets or clears a trouble of the daemon.
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
	c.touched = true
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
	c.touched = true
	c.settleLost()
	for _, r := range slices.Clone(c.pending) {
		c.unsettle(r)
	}
	for _, j := range c.order {
		c.stopTimer(&j.timer)
	}
	if e.Leave { // once what is under way has its process on record
		c.say(Info, "", "leaving the jobs running", "by", e.By, "running", len(c.runs)-len(c.pending))
		for _, r := range c.sortedRuns() {
			switch {
			case r.state == pending:
				c.stop(r, "shutdown")
			case r.notice != nil && r.pid > 0: // nobody would look after it; what it tells is owed on
				c.emit(Signal{Run: r.number, Name: "KILL", Far: true})
			}
		}
		return
	}
	if !e.Hurry {
		c.say(Info, "", "stopping all jobs", "by", e.By, "running", len(c.runs)-len(c.pending))
	} else {
		c.say(Warn, "", "killing all jobs", "by", e.By, "running", len(c.runs)-len(c.pending))
	}
	for _, r := range c.sortedRuns() {
		c.stop(r, "shutdown")
	}
}

// leave ends the daemon in order.
func (c *Core) leave() {
	for _, j := range c.order {
		c.endStreaks(j)
	}
	c.record(&statefile.Clean{By: c.shutdown.By, LastRun: c.lastRun})
	c.emit(Exit{Failed: c.shutdown.Hurry, Upgrade: c.shutdown.Upgrade})
	c.over = true
	for _, r := range c.runs {
		c.stopTimer(&r.timer)
	}
	c.runs, c.pending = map[uint64]*run{}, nil
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

// Begin records that a daemon begins. Clean said of the one before it: in the same boot, without that record, it crashed.
func (c *Core) Begin(now Now, r statefile.Start) {
	c.now, c.began = now, now.Wall
	if c.o.BootUnknown {
		r.BootID = ""
	}
	known := c.facts.BootID != "" && r.BootID != ""
	clean := c.facts.Clean
	r.Unclean = !clean && known && c.facts.BootID == r.BootID
	power := !clean && known && c.facts.BootID != r.BootID
	c.record(&r)
	c.reserve()
	c.clean, c.crashed = clean, r.Unclean
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
