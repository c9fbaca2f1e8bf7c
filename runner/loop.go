package runner

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/control"
	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/signals"
	"jobsd/spawn"
	"jobsd/statefile"
)

// flushAfter is how many forks share one message to the disk. A run whose process is not in the journal yet is found
// again by its leaf and by the evidence of its start.
const flushAfter = 16

// forkShare is how long one turn may fork before it handles events again. A thousand jobs that are due at once must not
// make the daemon deaf.
const forkShare = 10 * time.Millisecond

// herdFrom is how many runs that start at once are a herd. The loop is then deaf for children that end until all forks are
// done, and the state file waits.
const herdFrom = 8

// reapAfter is how many forks come before a look for children that have ended, if no leaf is free.
const reapAfter = 16

// system is what the loop needs from the kernel. Tests replace it by a fake.
type system interface {
	now() core.Now // the last reading of the clocks
	readClocks()
	start(run uint64, c *spawn.Command) (spawn.Process, *spawn.Handshake, error)
	reap() (spawn.Exit, bool)
	signal(spawn.Process, syscall.Signal) error
	signalLeader(spawn.Process, syscall.Signal) error
	left(*spawn.Process) (n int, group bool)
	release(spawn.Process)
	spare() bool
	shrink() bool
	close()
	survivor(statefile.Live) survivor
	sweep()
	unforked(run uint64)
	ended(spawn.Process) (spawn.Process, bool)
	leaveEvidence()
	status(spawn.Process) (spawn.Exit, bool)
}

// loop is the shell around the core. It turns wake-ups into events and performs effects. One goroutine on the main
// thread runs it. Its helpers do everything that may wait.
type loop struct {
	sys        system
	core       *core.Core
	pump       *signals.Pump[any]
	timer      *wallTimer
	bootTimer  *bootTimer
	disk       *disk
	loader     *loader
	searcher   *searcher
	recording  *recording
	delivering *delivering
	unsent     unsent
	socket     *control.Server // nil: it could not be created
	log        *logger
	o          Options
	self       *jobfile.User
	boot       string // which boot of the machine this is
	daemon     statefile.Daemon

	byRun          map[uint64]*process
	byPID          map[int]*process
	forks          []core.Fork   // forks that are not performed yet
	batch          []any         // requests to the disk of this turn
	waiting        bool          // something waits for one of them
	due            int           // how many timers rang in this turn at most, if more are due; 0: no more are
	herd           time.Duration // since when many runs are about to start; 0: they are not
	preparing      int           // intents that are not durable yet
	unflushed      int           // forks since they were handed over last
	polls          []unix.PollFd
	polled         []*process // their descriptors follow the fixed ones; those of the socket follow
	repoll         bool
	unmute         func() // not nil: signals of children that end are dropped
	forked         int    // forks since the last reaping
	unreaped       bool   // children have ended, but only the next turn reaps them
	checkpoint     bool   // the disk has requested one
	loaded         *core.Loaded
	seekingLeaders map[string]*process  // the searcher is looking for their leaders, by tag
	group          string               // the group that may read the journal and the logs
	who            func(uid int) string // from the last load; set before the first command is handled
	announced      bool
	readyUnsent    bool // the service manager has no room for the message that the daemon is ready
	denials        denials
	answered       bool            // a client got an answer in this turn
	logged         [32]signalLines // by signal
	exit           *core.Exit
	inherits       bool // it has children of the program before the upgrade
	candidate      *candidate
	began          time.Duration // boot clock
	longest        time.Duration
	keepalive      keepalive
	keeping        keeping
	heartbeat      heartbeat
	tidyAt         time.Duration // when leaves may be removed; 0: there are none
}

// run performs turns until the core emits Exit.
func (l *loop) run() error {
	defer l.reportCrash()
	defer func() { l.forks = nil; l.listen() }() // the program continues if an upgrade fails
	l.loader.request()
	l.keepalive = newKeepalive(l.sys.now().Mono)
	for l.exit == nil {
		l.sys.readClocks()
		began := l.sys.now().Mono
		l.turn()
		l.sys.readClocks()
		if took := l.sys.now().Mono - began; took > l.longest {
			l.longest = took
		}
		if l.exit == nil {
			if err := l.wait(); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn handles everything that is pending. The order matters. Reaping comes before any kill, so that no signal hits a
// pid that another process has by now. Due slots come before a finished load, so that a reload at the same instant
// loses none.
func (l *loop) turn() {
	pending, posts := l.pump.Take()
	l.senders(pending) // first, because the senders often end soon
	l.reap()
	l.watch()
	l.settleGone()
	l.take(posts)
	l.sendOverdue()
	l.hurryCandidate()
	l.command(pending)
	l.commands()
	l.ring(l.loaded != nil)
	loaded := l.loaded != nil && l.seekingLeaders == nil && l.keeping.gone == nil
	if loaded {
		l.who = l.loaded.Set.Who
		if group := l.loaded.Set.Config.Group; group != l.group {
			l.group = group
			l.batch = append(l.batch, share{group})
		}
		l.recording.setOutput(l.loaded.Set.Config.Log)
		l.mendRun()
		l.mendEvidence()
		l.heartbeat.set(l.loaded.Set.Config.Heartbeat, l.sys.now().Mono)
		l.handle(*l.loaded)
		if l.core.Known() {
			l.handle(core.Trouble{Part: reading})
		}
		l.recording.keepTrouble(func(job string) bool { return l.core.Definition(job) != nil })
		l.loaded = nil
		l.repoll = true
		l.reap() // children that ended before their job was known
	}
	l.recording.settle(l.core, l.byRun)
	l.perform()
	l.keep()
	l.prestart()
	l.recording.busy = len(l.forks) > 0
	l.recording.attend()
	l.beat()
	l.delivering.expire()
	l.tidy()
	l.publish(loaded)
	if l.keepalive.due(l.sys.now().Mono) {
		if l.readyUnsent {
			l.readyUnsent = !l.tellSystemd("READY=1")
		}
		l.tellSystemd("WATCHDOG=1")
	}
}

// firstDue is how many timers ring in the first turn of those that are due at once. Otherwise the first of a thousand jobs
// would wait until all of them are looked at. Each later turn takes twice as many, so that none is noticed too late.
const firstDue = 16

// ring rings the timers that are due, all of them before a load.
func (l *loop) ring(all bool) {
	l.due = max(firstDue, 2*l.due)
	if all {
		l.due = 0
	}
	if l.handle(core.Due{Most: l.due}); !l.core.Overdue() {
		l.due = 0
	}
}

func (l *loop) handle(e core.Event) { l.core.Handle(l.sys.now(), e) }

func (l *loop) command(pending signals.Set) {
	if pending.Has(syscall.SIGHUP) || pending.Has(syscall.SIGUSR1) {
		l.loader.request()
	}
	if pending.Has(syscall.SIGUSR2) {
		if l.log.rotate() {
			l.log.Info("reopened the log")
		} else {
			l.log.Info("the log goes to standard error; there is nothing to reopen")
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if pending.Has(sig) {
			l.handle(core.Shutdown{By: spawn.SignalName(sig)})
		}
	}
	if pending.Has(syscall.SIGQUIT) {
		l.handle(core.Shutdown{By: "QUIT", Leave: true})
	}
}

func (l *loop) take(posts []any) {
	for _, post := range posts {
		switch m := post.(type) {
		case core.Loaded:
			l.loaded = &m
		case []prepared:
			for _, p := range m {
				l.prepared(p)
			}
		case foundLeaders:
			l.found(m)
		case core.Event:
			l.handle(m)
		case logGroup:
			l.recording.setGroup(m.gid)
		case recorded:
			l.recording.recorded(m.runs)
		case needCheckpoint:
			l.checkpoint = true
		case vetted:
			l.ask(m)
		case lateLoad:
			if !l.core.Known() { // otherwise the load came while this was on its way
				l.handle(core.Trouble{Part: reading, Text: m.text()})
			}
		case published:
			l.announce()
		default:
			panic(fmt.Sprintf("unknown post %T", post))
		}
	}
}

// prepared continues with what has waited for the disk.
func (l *loop) prepared(m prepared) {
	if m.message != nil {
		if l.unsent.take(m.message.Number) {
			l.deliver(*m.message)
		}
		return
	}
	l.preparing--
	l.handle(core.Prepared{Run: m.run, Err: m.err})
}

// announce reports once that the daemon is ready: its first load is in force and on disk.
func (l *loop) announce() {
	jobs, ready := l.core.Ready()
	if l.announced || !ready {
		return
	}
	l.announced = true
	l.readyUnsent = !l.tellSystemd("READY=1")
	if l.o.Ready != nil {
		l.o.Ready(jobs)
	}
}

// tellSystemd sends a message to the service manager. It returns false if there is no room for it.
func (l *loop) tellSystemd(text string) bool {
	err := notifySystemd(text)
	if err != nil {
		l.log.Warn(err.Error())
	}
	return err == nil
}

// perform settles the core and performs its effects, until only forks beyond this turn's share are left.
func (l *loop) perform() {
	end := l.sys.now().Mono + forkShare
	copied := false // a step of the copy for a checkpoint was made
	for {
		l.core.Settle()
		effects := l.core.Effects()
		for _, e := range effects {
			l.effect(e)
		}
		if len(effects) > 0 {
			continue
		}
		if l.checkpoint && !copied { // only now is everything in the facts on its way to the disk
			copied = true
			if facts := l.core.Checkpoint(); facts != nil {
				l.checkpoint = false
				l.batch = append(l.batch, checkpoint{facts})
			}
		}
		if runs := l.recording.takePlaced(); len(runs) > 0 {
			l.batch = append(l.batch, recorded{runs})
		}
		last := len(l.forks) == 0 || l.sys.now().Mono > end
		if last || l.waiting || l.unflushed >= flushAfter {
			l.flush()
		}
		if last {
			l.listen()
			return
		}
		if l.unmute == nil && len(l.forks) >= herdFrom {
			l.unmute = signals.Mute()
		}
		if l.forked >= reapAfter && !l.sys.spare() {
			l.reap() // a run that is over has a leaf for the next one
			continue
		}
		next := l.forks[0]
		l.forks = l.forks[1:]
		l.fork(next)
		l.unflushed++
	}
}

// listen ends the deafness of the loop when all forks are done. The next turn looks for children that have ended
// meanwhile.
func (l *loop) listen() {
	if l.unmute != nil && len(l.forks) == 0 {
		l.unmute()
		l.unmute, l.unreaped = nil, true
	}
}

func (l *loop) effect(e core.Effect) {
	defer l.rescue(e)
	switch e := e.(type) {
	case core.Append:
		l.batch = append(l.batch, e)
	case core.EndOutput:
		l.recording.end(e)
	case core.Marker:
		l.recording.note(e)
	case core.Prepare:
		l.sys.unforked(e.Run) // first, so that a later daemon can rely on it if the intent is in the journal
		l.batch, l.waiting = append(l.batch, e), true
		l.preparing++
	case core.Deliver:
		l.unsent.add(e, l.sys.now().Mono)
		l.batch, l.waiting = append(l.batch, e), true
	case core.Fork:
		l.forks = append(l.forks, e)
	case core.Signal:
		l.signal(e)
	case core.Probe:
		l.probe(e)
	case core.Release:
		l.release(e.Run)
	case core.Answer:
		l.answer(e)
	case core.Say:
		l.log.say(e)
	case core.Exit:
		l.exit = &e
	default:
		panic(fmt.Sprintf("unknown effect %T", e))
	}
}

// flush hands the collected requests to the disk in one message.
func (l *loop) flush() {
	l.waiting, l.unflushed = false, 0
	if len(l.batch) > 0 {
		l.disk.in.put(l.batch)
		l.batch = nil
	}
}

// publish hands over the changes of this turn.
func (l *loop) publish(loaded bool) {
	if !loaded && !l.answered && l.busy() {
		return
	}
	changes, changed := l.core.Changes()
	if !changed && !l.answered && l.daemon.DroppedLines == l.recording.dropped { // a client that got an answer expects to see its effect
		return
	}
	l.answered = false
	l.core.Daemon(&l.daemon)
	l.daemon.DroppedLines = l.recording.dropped
	l.daemon.Uptime = statefile.Seconds(l.sys.now().Boot - l.began)
	_, ready := l.core.Ready()
	l.disk.in.put([]any{publish{changes, l.daemon, ready, l.core.Known(), loaded}})
}

// herdWait is how long the state file may wait for runs that are about to start.
const herdWait = 500 * time.Millisecond

// busy reports whether many runs are about to start, and have been for no longer than herdWait. They need the processors
// more than readers of the state do.
func (l *loop) busy() bool {
	if l.preparing+len(l.forks) < herdFrom {
		l.herd = 0
		return false
	}
	now := l.sys.now().Mono
	if l.herd == 0 {
		l.herd = now
	}
	return now-l.herd < herdWait
}
