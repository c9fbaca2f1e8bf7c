package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/joblog"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// world is everything that the core sees of the outside: three clocks, a disk and processes. It checks what happens
// against the guarantees that users rely on.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	calm   bool          // nothing goes wrong
	lasts  time.Duration // how long a calm run lasts
	hangs  time.Duration // how long its shim hangs, ignoring KILL
	leaves time.Duration // how long the leftovers in its group live
	ran    []Start
	wall   time.Time
	boot   time.Duration
	mono   time.Duration

	c        *Core
	bootID   string
	bootless bool // the boot id is unknown
	loc      *time.Location
	zone     string
	defs     []jobfile.Job
	olds     []*jobfile.Definition // all definitions so far
	on       map[string]bool       // jobs that were ever defined
	todo     []todo                // future events, unordered
	journal  []statefile.Entry
	queue    []todo        // requests of the disk
	stalled  time.Duration // the disk is busy until then
	procs    map[uint64]*proc
	exited   *Exit
	signals  []string

	script       func(Start) (time.Duration, int) // how long a calm run lasts, and its exit code; nil: a second, 0
	mailer       func(m Deliver) int              // what becomes of a message: 0 it is delivered, -2 no answer in time, -3 none at all
	answerer     func(m Deliver) Delivered        // the answer to a message, instead of mailer
	published    map[string]*statefile.Job        // by job
	noMailer     string                           // why a load finds that no mail can be sent
	sent         []string                         // what was delivered, see summary
	messages     map[uint64][]uint64              // the notifications of the messages
	starts       []time.Duration                  // of runs
	config       jobfile.Config
	answers      []Answer
	delayedArgs  map[uint64][]string // arguments on disk
	reserved     uint64              // run numbers up to this one may be in use, on disk
	given        map[uint64]int      // published run numbers, and the life of the daemon that published them
	life         int
	shownSkipped map[string]uint64 // the number of skipped slots of each job in the last state file
	visits       map[visit]int
	stops        map[uint64]bool // runs that were told to end
	swift        bool            // the disk answers at once
	undead       bool            // a process survived KILL
	suspect      string          // the job whose event the crashed daemon was handling

	evidence   map[uint64]evidence                     // of the forks in this boot; a crash of the daemon leaves it
	executions map[string]int                          // by job, slot and epoch
	booted     map[string]int                          // runs of at_boot, by job and boot
	unwritten  map[uint64]string                       // executions whose intent is not on disk
	written    map[uint64]bool                         // intents on disk
	schedules  map[statefile.Timing]*schedule.Schedule // as in Defined
	stats      map[string]int
	looks      int
	trace      []string
}

// todo is an event that comes when the monotonic clock has reached at.
type todo struct {
	at time.Duration
	do func()
}

// evidence is what is known of the fork of a run.
type evidence uint8

const (
	isUnforked evidence = 1 + iota
	isForking
	isForked
)

type proc struct {
	job       string
	stubborn  bool          // ignores every signal but KILL
	endsAt    time.Duration // when it ends by itself
	code      int
	leftUntil time.Duration // when the last process of its group
	leader    bool          // the leader is alive
	shim      bool          // it has not become the job's program yet
	group     bool          // a process of the group is alive
	far       bool          // a process that left the group is alive
	stopped   bool          // all of its processes were told to end
	dies      time.Duration // how long it takes to die of KILL

	diedAt     time.Duration // when its leader ended
	leaderless bool          // it counts as alive until all of its processes are gone
}

func newWorld(t *testing.T, seed uint64) *world {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("no zone data: ", err)
	}
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, seed)), loc: loc, zone: "zone", bootID: "boot-1", boot: time.Hour, mono: time.Hour,
		wall: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC), procs: map[uint64]*proc{}, executions: map[string]int{}, booted: map[string]int{},
		visits: map[visit]int{}, stops: map[uint64]bool{}, on: map[string]bool{}, unwritten: map[uint64]string{}, written: map[uint64]bool{}, stats: map[string]int{},
		evidence: map[uint64]evidence{}, schedules: map[statefile.Timing]*schedule.Schedule{}, given: map[uint64]int{}, shownSkipped: map[string]uint64{}}
	w.wall = w.wall.Add(time.Duration(w.rng.Int64N(int64(240 * 24 * time.Hour)))).Round(time.Millisecond)
	return w
}

func (w *world) now() Now { return Now{Wall: w.wall, Boot: w.boot, Mono: w.mono} }

// visit is a cell of a state table.
type visit struct {
	machine     string
	from, event int
}

func (w *world) visited(machine string, run uint64, from, event, _ int) {
	w.visits[visit{machine, from, event}]++
	timedOut := runState(from) == forking && runEvent(event) == evRing // the start did
	if machine == "run" && (runEvent(event) == evStop || timedOut) {
		w.stops[run] = true
	}
}

// start starts a daemon on the contents of the journal, and loads.
func (w *world) start() {
	w.begin()
	if !w.calm && w.rng.IntN(10) == 0 {
		w.unread()
		w.run(time.Duration(w.rng.IntN(600)) * time.Second)
	}
	w.load()
}

// unread performs a load that could not read the directory.
func (w *world) unread() {
	config := w.config
	w.note("the directory cannot be read")
	w.handle(Loaded{Set: &jobfile.Set{Config: &config, Zone: w.zone, Unread: true}, Begun: w.boot, Done: w.boot})
	w.settle()
}

func (w *world) begin() {
	facts := statefile.NewFacts("0123456789abcdef0123456789abcdef")
	for _, e := range w.journal {
		facts.Apply(e)
	}
	for job, told := range w.shownSkipped {
		if f := facts.Job(job); f.Skipped < told {
			w.fatal("%d slots of %s were said to be skipped, the journal knows of %d", told, job, f.Skipped)
		}
	}
	w.exited = nil
	w.life++
	w.published = map[string]*statefile.Job{}
	w.c = New(Options{Seed: 1, Visited: w.visited, MachineID: "m", Machine: "host", BootID: w.bootID, BootUnknown: w.bootless, Strict: true,
		DelayedArgs: w.delayedArgs}, facts, w.now())
	w.c.Begin(w.now(), statefile.Start{PID: 1, BootID: w.bootID, Suspect: w.suspect})
	w.suspect = ""
	if !w.calm && w.rng.IntN(8) == 0 {
		w.note("the evidence is lost")
		clear(w.evidence)
	}
	for _, l := range w.c.Outliving() {
		p := w.procs[l.Run]
		if w.evidence[l.Run] == isUnforked && !l.Ended {
			if p != nil && !p.shim {
				w.fatal("run %d of %s seems never forked", l.Run, p.job)
			}
			delete(w.procs, l.Run)
			w.stats["unforked"]++
			w.handle(Gone{Run: l.Run, Unforked: true})
			continue
		}
		var leader Leader
		if w.evidence[l.Run] == isForked && l.PID == 0 {
			leader = Leader{PID: 1000 + int(l.Run), Inode: l.Run}
			l.PID, l.BootID = leader.PID, w.bootID
		}
		alive := !l.Ended && (l.PID == 0 || l.BootID == w.bootID) && p != nil && p.leader
		if p != nil {
			p.stopped = l.StoppedBy != ""
		}
		remains := !alive && l.PID != 0 && l.BootID == w.bootID
		if !alive {
			w.handle(Gone{Run: l.Run, Remains: remains, Leader: leader})
			continue
		}
		e := Found{Run: l.Run, Leader: Leader{PID: 1000 + int(l.Run), Inode: l.Run}}
		if l.PID == 0 && w.rng.IntN(2) == 0 { // only its leaf is known
			p.leaderless, e.PID, e.Inode = true, 0, 0
			w.stats["leaderless"]++
		}
		w.handle(e)
	}
	w.settle()
}

// crash kills the daemon. Requests that its disk has not finished are lost.
func (w *world) crash() {
	w.note("crash")
	w.stats["crash"]++
	w.crashInFork()
	w.c, w.todo, w.queue, w.stalled = nil, nil, nil, 0
	if n := len(w.journal) - 1; n > 0 && !w.calm && w.rng.IntN(2) == 0 { // it was killed before it recorded a pid
		if _, ok := w.journal[n].Record.(*statefile.Started); ok {
			w.journal = w.journal[:n]
		}
	}
	for run, key := range w.unwritten { // nobody can know of these; the daemon reported that they were started unjournaled
		delete(w.executions, key)
		delete(w.unwritten, run)
		delete(w.procs, run)
	}
	for run, p := range w.procs { // only a daemon that looks for them sees their ends
		p.stopped = false // the next daemon does not know what this one began
		if p.leader {
			w.later(max(0, p.endsAt-w.mono), func() { w.dies(run, false) })
		}
	}
}

// reboot crashes the machine.
func (w *world) reboot(off time.Duration) {
	w.crash()
	w.todo = nil
	clear(w.procs)
	clear(w.evidence)
	w.bootID = fmt.Sprint("boot-", w.rng.Uint32())
	w.wall = w.wall.Add(off)
	w.boot, w.mono = time.Minute, time.Minute
}

func (w *world) load() {
	w.loadInTurn()
	w.settle()
}

func (w *world) loadInTurn() {
	slices.SortFunc(w.defs, func(a, b jobfile.Job) int {
		if a.Def.Name < b.Def.Name {
			return -1
		}
		return 1
	})
	w.handle(Loaded{Set: w.set(), Begun: w.boot, Done: w.boot})
}

// set returns what a load finds.
func (w *world) set() *jobfile.Set {
	config := w.config
	return &jobfile.Set{Config: &config, Jobs: slices.Clone(w.defs), Zone: w.zone, NoMailer: w.noMailer}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%s %s", w.wall.Format("2006-01-02T15:04:05.000"), fmt.Sprintf(format, args...)))
	if len(w.trace) > 2000 {
		w.trace = w.trace[1000:]
	}
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.trace {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

func (w *world) later(d time.Duration, do func()) { w.todo = append(w.todo, todo{w.mono + d, do}) }

// handle gives the core one event.
func (w *world) handle(e Event) {
	if w.c != nil && w.exited == nil {
		w.c.Handle(w.now(), e)
	}
}

// settle ends a turn and performs its effects.
func (w *world) settle() {
	for w.c != nil && w.exited == nil {
		w.c.Settle()
		effects := w.c.Effects()
		if len(effects) == 0 {
			break
		}
		for _, e := range effects {
			w.perform(e)
		}
	}
	if w.c != nil {
		w.look()
	}
}

func (w *world) perform(e Effect) {
	switch e := e.(type) {
	case Append:
		if r, ok := e.Entry.Record.(*statefile.Ended); ok {
			if r.Outcome.Duration < 0 {
				w.fatal("run %d of %s lasted %v", r.Outcome.Run, r.Job, r.Outcome.Duration)
			}
			w.stats[string(r.Outcome.Outcome)]++
		}
		w.disk(func() { w.append(e.Entry) })
	case Marker:
		if !joblog.IsMarker("== " + e.Text) {
			w.fatal("package joblog does not know the marker %q", e.Text)
		}
	case EndOutput:
		w.later(0, func() {
			w.handle(OutputEnded{Run: e.Run, Place: joblog.Place{From: joblog.Position{Inode: 1}, To: &joblog.Position{Inode: 1}}})
		})
	case Prepare:
		w.prepare(e)
	case Deliver:
		w.deliver(e)
	case Fork:
		w.fork(e.Start)
	case Signal:
		w.signal(e)
	case Probe:
		w.later(0, func() {
			left := w.left(e.Run)
			if p := w.procs[e.Run]; e.Far && p != nil && p.far {
				left++
			}
			w.handle(Probed{Run: e.Run, Left: left})
		})
	case Release:
		if p := w.procs[e.Run]; p != nil && p.stopped && (p.leader || p.group || p.far) {
			w.fatal("run %d was stopped and is over, but something of it lives: %+v", e.Run, *p)
		}
		delete(w.procs, e.Run)
	case Answer:
		w.answers = append(w.answers, e)
	case Say:
		w.note("%s %v", e.Text, e.Args)
	case Exit:
		w.exited = &e
	}
}

func (w *world) append(e statefile.Entry) {
	w.journal = append(w.journal, e)
	w.stats[e.Kind()]++
	switch r := e.Record.(type) {
	case *statefile.Delayed:
		if r.HasArgs {
			w.keepArgs(r.Run, r.Args)
		}
	case *statefile.Reserved:
		w.reserved = r.UpTo
	case *statefile.Clean:
		w.reserved = r.LastRun
	case *statefile.Intent:
		w.written[r.Run] = true
		delete(w.unwritten, r.Run)
	}
}

func (w *world) keepArgs(run uint64, args []string) {
	if w.delayedArgs == nil {
		w.delayedArgs = map[uint64][]string{}
	}
	w.delayedArgs[run] = args
}

// disk handles one request after another, mostly at once, sometimes after a long time.
func (w *world) disk(do func()) {
	w.stalled = max(w.stalled, w.mono)
	if !w.calm && !w.swift && w.rng.IntN(60) == 0 {
		w.stalled += time.Duration(w.rng.ExpFloat64() * float64(time.Minute))
	}
	w.queue = append(w.queue, todo{w.stalled, do})
	w.work()
}

// publish makes the disk publish after all earlier requests.
func (w *world) publish(do func()) {
	w.queue = append(w.queue, todo{max(w.stalled, w.mono), do})
	w.work()
}

// numbers checks that no later daemon uses a run number again.
func (w *world) numbers() {
	for number, r := range w.c.runs {
		switch life, known := w.given[number]; {
		case r.source >= fromDelayed:
		case known && life != w.life:
			w.fatal("run %d of %s has the number of a run of an earlier daemon", number, r.job.name)
		case number <= w.reserved:
			w.given[number] = w.life
		case len(w.queue) == 0:
			w.fatal("run %d of %s has a number that is not reserved: %d is the highest", number, r.job.name, w.reserved)
		}
	}
}

// work handles the next request of the disk.
func (w *world) work() {
	for len(w.queue) > 0 && w.queue[0].at <= w.mono {
		do := w.queue[0].do
		w.queue = w.queue[1:]
		do()
	}
	if len(w.queue) > 0 {
		w.later(w.queue[0].at-w.mono, w.work)
	}
}

// deliver handles a message: the disk makes durable what it tells, and then its receiver answers, or not.
func (w *world) deliver(m Deliver) {
	c := w.c
	answer := func(d Delivered) {
		if d.Number = m.Number; w.c == c {
			w.handle(d)
		}
	}
	w.disk(func() {
		w.later(time.Millisecond, func() {
			if w.c != c {
				return
			}
			before := w.messages[m.Number]
			var ids []uint64
			for _, o := range m.Events { // those of a removed job may be missing now
				if ids = append(ids, o.ID); before != nil && !slices.Contains(before, o.ID) {
					w.fatal("message %d has notification %d in another attempt", m.Number, o.ID)
				}
			}
			if w.messages == nil {
				w.messages = map[uint64][]uint64{}
			}
			w.messages[m.Number] = ids
			w.stats["notification"]++
			code := 0
			switch {
			case w.answerer != nil:
				w.later(time.Second, func() { answer(w.answerer(m)) })
				return
			case w.mailer != nil:
				code = w.mailer(m)
			case !w.calm:
				code = w.rng.IntN(4) - 2
			}
			switch code {
			case -3:
			case -2:
				w.later(3*time.Minute, func() { answer(Delivered{Error: "it gave no answer in time"}) })
			case 0:
				w.sent = append(w.sent, summary(m))
				w.later(time.Second, func() { answer(Delivered{}) })
			default:
				w.later(time.Second, func() { answer(Delivered{Error: fmt.Sprint("exited ", code), Final: m.Command != nil}) })
			}
		})
	})
}

// summary describes a message in a line.
func summary(m Deliver) string {
	to := "mail"
	switch {
	case m.Command != nil:
		to = "command"
	case m.Target != nil:
		to = m.Target.Name
	}
	var events []string
	for _, o := range m.Events {
		kind := o.Kind
		if o.RecoveredFrom != nil {
			kind += " from " + strings.Join(o.RecoveredFrom, " and ")
		}
		text := strings.TrimSpace(o.Job + " " + kind + " " + o.Text)
		if o.Run != nil && o.Kind != "start" {
			text += ": " + words(o.Run)
		}
		events = append(events, text)
	}
	return to + ": " + strings.Join(events, ", ")
}

func (w *world) prepare(p Prepare) {
	if r := w.c.runs[p.Run]; p.Record != nil && r.reason != statefile.ReasonManual && !r.inactive &&
		(w.c.facts.DisabledBy != nil || r.job.facts.DisabledBy != nil) {
		w.fatal("run %d of %s begins although it is disabled: %+v", p.Run, p.Job.Name, *r)
	}
	var err error
	if !w.calm && w.rng.IntN(50) == 0 {
		err = fmt.Errorf("no space left on device")
	}
	w.evidence[p.Run] = isUnforked
	w.disk(func() {
		if p.Record != nil {
			if p.Record.HasArgs {
				w.keepArgs(p.Run, p.Args)
			}
			w.append(statefile.Entry{At: p.At, Record: p.Record})
		}
		w.later(time.Millisecond, func() { w.handle(Prepared{Run: p.Run, Err: err}) })
	})
}

func (w *world) fork(s Start) {
	if s.Reason == statefile.ReasonSchedule || s.Reason == statefile.ReasonCatchUp {
		w.stats["fork"]++
	}
	trouble := w.rng.IntN(30)
	if w.calm {
		trouble = 29
	}
	w.evidence[s.Run] = isForking
	if trouble < 3 {
		w.evidence[s.Run] = isUnforked
	}
	switch trouble {
	case 0:
		w.handle(NotStarted{Run: s.Run, Weather: true, Text: "cannot fork"})
		return
	case 1:
		w.handle(NotStarted{Run: s.Run, Busy: true, Text: "text busy"})
		return
	case 2:
		w.handle(NotStarted{Run: s.Run, Error: statefile.StartError{Stage: "exec", Errno: "ENOENT"}, Text: "no such file"})
		return
	}
	p := w.born(s)
	w.evidence[s.Run] = isForked
	w.handle(Forked{Run: s.Run, PID: 1000 + int(s.Run), Inode: s.Run, Executing: !p.shim})
	if p.shim {
		takes := max(2*time.Millisecond, w.hangs)
		p.dies = max(p.dies, w.hangs)
		if !w.calm && w.rng.IntN(10) == 0 { // its program is on a slow disk
			takes = time.Duration(w.rng.IntN(60)) * time.Second
		}
		w.later(takes, func() {
			if w.procs[s.Run] == p && p.leader {
				p.shim = false
				w.handle(Executed{Run: s.Run})
				w.later(max(0, p.endsAt-w.mono), func() { w.dies(s.Run, false) })
			}
		})
	}
	w.later(p.endsAt-w.mono, func() { w.dies(s.Run, false) })
}

// crashInFork brings some of the runs that are about to start a few instructions further before the daemon dies: the
// evidence says that the fork has begun, and there is a process or not.
func (w *world) crashInFork() {
	if w.calm || w.c == nil {
		return
	}
	for _, r := range w.c.sortedRuns() {
		if r.state != intent || !w.written[r.number] || w.rng.IntN(3) > 0 {
			continue
		}
		w.evidence[r.number] = isForking
		w.stats["forking"]++
		if w.rng.IntN(2) == 0 {
			p := w.born(Start{Job: r.def, Identity: r.identity()})
			p.shim = false
		}
	}
}

// born makes the process of a run.
func (w *world) born(s Start) *proc {
	key := fmt.Sprintf("%s %s %d %d", s.Job.Name, s.Slot.Time().UTC(), w.c.runs[s.Run].epoch, s.Attempt)
	if s.Slot.IsZero() {
		key = fmt.Sprint("run ", s.Run)
	}
	if w.executions[key]++; w.executions[key] > 1 {
		w.fatal("slot %s was executed twice", key)
	}
	if !w.written[s.Run] {
		w.unwritten[s.Run] = key
	}
	p := &proc{job: s.Job.Name, leader: true, group: true, code: w.rng.IntN(2), stubborn: w.rng.IntN(8) == 0}
	p.endsAt = w.mono + time.Duration(w.rng.ExpFloat64()*float64(20*time.Second))
	if w.rng.IntN(20) == 0 {
		p.endsAt += 3 * time.Hour
	}
	p.leftUntil = p.endsAt
	if w.rng.IntN(4) == 0 {
		p.leftUntil += time.Duration(w.rng.IntN(60)) * time.Second
	}
	p.far = w.rng.IntN(6) == 0
	if w.rng.IntN(50) == 0 {
		p.dies = time.Duration(w.rng.IntN(20)) * time.Second
		w.undead = w.undead || p.dies >= killPatience
	}
	if w.calm {
		*p = proc{job: p.job, leader: true, group: true, endsAt: w.mono + w.lasts, leftUntil: w.mono + w.lasts + w.leaves}
		if w.script != nil {
			var lasts time.Duration
			lasts, p.code = w.script(s)
			p.endsAt, p.leftUntil = w.mono+lasts, w.mono+lasts+w.leaves
		}
	}
	if s.Reason == statefile.ReasonBoot && s.Attempt == 1 {
		w.booted[s.Job.Name+" "+w.bootID]++
	}
	w.starts = append(w.starts, w.mono)
	w.ran = append(w.ran, s)
	w.procs[s.Run] = p
	p.shim = w.rng.IntN(3) == 0 || w.hangs > 0
	return p
}

// dies ends the leader of a run, by itself or by a signal.
func (w *world) dies(run uint64, killed bool) {
	p := w.procs[run]
	if p == nil || !p.leader {
		return
	}
	if p.shim && !killed { // it cannot end before it has started
		return
	}
	p.leader, p.diedAt = false, w.mono
	p.group = p.leftUntil > w.mono && !killed && !p.leaderless
	p.far = p.far && !p.leaderless
	if p.group {
		w.later(p.leftUntil-w.mono, func() { p.group = false; w.handle(Orphan{}) })
	}
	x := Exited{Run: run, Code: p.code, User: time.Millisecond, Left: w.left(run), Group: p.group}
	if p.far {
		x.Left++
	}
	switch {
	case killed:
		x.Code, x.Signal = -1, "KILL"
	case !w.calm && w.rng.IntN(10) == 0:
		x.Code, x.Signal, x.Core = -1, "SEGV", true
	}
	adopted := false
	if w.c != nil {
		if r := w.c.runs[run]; r != nil && r.adopted {
			adopted = true
			x = Exited{Run: run, Unknown: true, Left: x.Left, Group: x.Group}
		}
	}
	if p.shim && !adopted {
		p.group, p.far = false, false
		w.handle(NotStarted{Run: run, Error: statefile.StartError{Stage: "exec", Errno: "EPIPE"}, Text: "it was killed"})
		return
	}
	w.handle(x)
}

func (w *world) left(run uint64) int {
	if p := w.procs[run]; p != nil && (p.leader || p.group) {
		return 1
	}
	return 0
}

func (w *world) signal(s Signal) {
	p := w.procs[s.Run]
	if p == nil {
		return
	}
	p.stopped = p.stopped || s.Far
	w.signals = append(w.signals, s.Name)
	if r := w.c.runs[s.Run]; r != nil && r.stopBy == "" && !w.stops[s.Run] && r.source != fromJournal && w.mono < p.diedAt+leaveTime {
		w.fatal("run %d of %s got %s %v after its leader had ended by itself", s.Run, p.job, s.Name, w.mono-p.diedAt)
	}
	switch {
	case s.Name == "KILL":
		p.leftUntil = w.mono
		w.later(p.dies, func() { p.group = false; p.far = p.far && !s.Far; w.dies(s.Run, true); w.handle(Orphan{}) })
	case s.Name == "TERM" && !p.stubborn:
		p.leftUntil = w.mono
		w.later(time.Millisecond, func() { p.group = false; p.far = p.far && !s.Far; w.dies(s.Run, false); w.handle(Orphan{}) })
	}
}

// step moves to the next event, but at most by d.
func (w *world) step(d time.Duration) time.Duration {
	next := d
	for _, t := range w.todo {
		next = min(next, max(0, t.at-w.mono))
	}
	if w.c != nil && w.exited == nil {
		wait := w.c.Wait()
		if wait.For >= 0 {
			next = min(next, wait.For)
		}
		next = min(next, max(0, wait.Boot-w.boot))
		if !wait.Wall.IsZero() {
			next = min(next, max(0, wait.Wall.Sub(w.wall)))
		}
	}
	w.wall, w.boot, w.mono = w.wall.Add(next), w.boot+next, w.mono+next
	var due []todo
	w.todo = slices.DeleteFunc(w.todo, func(t todo) bool {
		if t.at <= w.mono {
			due = append(due, t)
			return true
		}
		return false
	})
	for _, t := range due {
		t.do()
	}
	w.handle(Due{})
	w.settle()
	return next
}

// run lets that much time pass.
func (w *world) run(d time.Duration) {
	for turns := 0; d > 0; turns++ {
		took := w.step(d)
		d -= took
		if took > 0 {
			turns = 0
		} else if turns > 10000 {
			w.fatal("the clock stands still: %+v", w.c.Wait())
		}
	}
}

// look checks what must hold after every turn.
func (w *world) look() {
	locks := map[string]uint64{}
	for number, p := range w.procs {
		r := w.c.runs[number]
		if r == nil || !p.leader || !r.defined() || r.adopted {
			continue
		}
		if lock := r.def.Lock; lock != "" {
			if locks[lock] != 0 {
				w.fatal("runs %d and %d both have lock %s", number, locks[lock], lock)
			}
			locks[lock] = number
		}
		for other, q := range w.procs {
			o := w.c.runs[other]
			if other < number && q.leader && o != nil && o.job == r.job && o.defined() && r.def.Overlap != jobfile.Allow &&
				o.def.Overlap != jobfile.Allow {
				w.fatal("runs %d and %d of %s overlap", other, number, r.job.name)
			}
		}
	}
	w.numbers()
	w.waiting()
	changes, _ := w.c.Changes()
	check := false
	for _, ch := range changes {
		if ch.Job == nil {
			delete(w.published, ch.Name)
			continue
		}
		w.published[ch.Name] = ch.Job
		check = check || w.looks%256 == 0
		w.publish(func() { w.shownSkipped[ch.Name] = ch.Job.Skipped })
		if !slices.Contains(jobStates[:], ch.Job.State) && ch.Job.State != "running" {
			w.fatal("%s is %q", ch.Name, ch.Job.State)
		}
		if w.looks++; w.looks%16 != 0 { // this takes longer than everything else
			continue
		}
		if _, err := json.Marshal(ch.Job); err != nil {
			w.fatal("%s: %v", ch.Name, err)
		}
	}
	if check {
		w.upToDate()
	}
}

// upToDate checks that the published state of each job is that of now, except for the time of its next try: that is by
// the monotonic clock, so each step of the wall clock moves it.
func (w *world) upToDate() {
	for name, was := range w.published {
		is := w.view(name)
		is.NextTry = was.NextTry
		a, _ := json.Marshal(was)
		b, _ := json.Marshal(is)
		if !bytes.Equal(a, b) {
			w.fatal("%s is published as %s, but it is %s", name, a, b)
		}
	}
}

// waiting checks that no run waits that could start.
func (w *world) waiting() {
	c := w.c
	if c.gate.starting > maxStarting-admitStep || w.exited != nil {
		return
	}
	for number, r := range c.runs {
		if r.state != pending || r.timer.set() {
			continue
		}
		why, wait := c.gate.why(r.candidate(), r.job.siblings(nil, r), w.mono)
		if why == "" {
			w.fatal("run %d of %s waits for %q, but could start", number, r.job.name, r.why)
		}
		if r.queue == nil && (wait != forItself || r.why != why) {
			w.fatal("run %d of %s waits for %q and not for %q", number, r.job.name, r.why, why)
		}
	}
}

// replayed checks that replaying the journal gives the facts in memory. The disk must have finished all requests.
func (w *world) replayed() {
	facts := statefile.NewFacts(w.c.facts.ID)
	for _, e := range w.journal {
		facts.Apply(e)
	}
	replayed, _ := json.MarshalIndent(facts, "", " ")
	memory, _ := json.MarshalIndent(w.c.facts, "", " ")
	if !bytes.Equal(replayed, memory) {
		was, is := bytes.Split(replayed, []byte("\n")), bytes.Split(memory, []byte("\n"))
		for i := range min(len(was), len(is)) {
			if !bytes.Equal(was[i], is[i]) {
				w.fatal("line %d of the replay is %s, in memory it is %s\n%s", i, was[i], is[i], replayed)
			}
		}
		w.fatal("the replay has %d lines, memory %d", len(was), len(is))
	}
}

func (w *world) schedule(k schedule.Keys) *schedule.Schedule {
	s, errs := schedule.Parse(k, w.loc, w.wall)
	if len(errs) > 0 {
		w.fatal("%v", errs)
	}
	return s
}

func (w *world) define(name string, k schedule.Keys) *jobfile.Definition {
	d := &jobfile.Definition{Name: name, File: name + ".toml", Argv: []string{"true"}, Schedule: w.schedule(k), Rules: &jobfile.Rules{Enabled: true,
		CatchUp: jobfile.CatchUp{Max: -1}, SuccessCodes: []int{0}, StopSignal: "TERM", StopTimeout: 10 * time.Second, Umask: -1}}
	d.ScheduleHash = hashOf("%v", d.Schedule)
	return d
}

func hashOf(format string, args ...any) jobfile.Hash {
	h := fnv.New64a()
	fmt.Fprintf(h, format, args...)
	return jobfile.Hash(h.Sum64())
}

// copyOf returns a definition that shares nothing with d that a test changes.
func copyOf(d *jobfile.Definition) *jobfile.Definition {
	c, rules := *d, *d.Rules
	c.Rules = &rules
	return &c
}

func (w *world) put(d *jobfile.Definition) {
	for _, circumstances := range []string{"zone", "zone at_boot"} {
		w.schedules[statefile.Timing{Schedule: statefile.Hash(d.ScheduleHash), Circumstances: circumstances}] = d.Schedule
	}
	d.Hash = hashOf("%v %v %v %v", d.ScheduleHash, d.Enabled, d.ProcessHash, d.KeepAlive != nil)
	w.on[d.Name] = true
	w.olds = append(w.olds, d)
	for i := range w.defs {
		if w.defs[i].Def.Name == d.Name {
			w.defs[i] = jobfile.Job{Def: d}
			return
		}
	}
	w.defs = append(w.defs, jobfile.Job{Def: d})
}
