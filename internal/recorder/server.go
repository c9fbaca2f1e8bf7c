package recorder

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// server is the recorder process: one goroutine that reads all pipes and writes all logs.
type server struct {
	arena    *arena
	wait     *waiter
	settings Settings
	console  *console
	daemonLink
	handover
	keeper
	calls    calls
	closer   Closer
	finished chan error

	runs  map[uint64]*run
	byFD  map[int]*run        // by the read end
	logs  map[string]*logFile // by path, or by job if there is no file
	notes []note
	fresh []*run // runs that were handed over and not begun

	scratch write // see newWrite

	stuck         bool   // the current write waits for the disk, or the recorder does not know all runs yet
	taking        bool   // the first daemon has not handed over all runs yet
	trouble       string // why it is stuck, as the daemon knows it; "": it is not
	salvaged      uint64 // the run whose output is in the input; 0: none
	salvagedBytes int

	undone  bool          // there is something to do that runs wait for
	taken   int           // bytes of output in this turn
	begun   int           // runs that began in this turn
	young   []uint64      // runs whose start marker was written in this turn
	resting bool          // the collector is off
	again   time.Duration // when to look after standard output again, at the latest; negative: at the next event
}

// moment is the pause after a turn with little output. What comes meanwhile costs one turn: the lines of a run that
// writes each by itself, and the small things of many runs that start or end together. A pipe holds what the fastest
// such run writes meanwhile. Programs that buffer their output write more than littleOutput at once.
// Only a test changes it.
var moment = time.Millisecond

const (
	littleOutput = 4096

	// While many runs start, the recorder leaves the processors to them. Its pause is longer after a turn in which herd runs
	// or more began.
	herd     = 4
	herdTime = 100 * time.Millisecond

	retryAfter = time.Second // how often a recorder that is stuck tries again
	maxNotes   = 10_000      // that wait for the disk
	drainAfter = 10 * time.Millisecond
)

func newServer(arena *arena, wait *waiter, listener int) *server {
	return &server{arena: arena, wait: wait, settings: Settings{Group: -1}, console: newConsole(),
		daemonLink: daemonLink{listener: listener, strangers: map[int]*Conn{}, refused: map[uint64]bool{}},
		keeper:     keeper{kept: map[uint64]int{}},
		runs:       map[uint64]*run{}, byFD: map[int]*run{}, logs: map[string]*logFile{}, resting: true, again: -1}
}

// serve works until there is neither a daemon nor a pipe. The first daemon is at the other end of fd.
func (s *server) serve(fd int) error {
	// What an earlier recorder was reading stays in the input until the daemon has handed over all runs. Nothing is read
	// or written before that, because only then it is known which runs have a log in common.
	s.taking = true
	s.salvaged, s.salvagedBytes = s.arena.salvage()
	if err := s.prepareCalls(); err != nil {
		return err
	}
	s.resume() // what an earlier recorder was writing
	s.daemon = s.newConn(fd)
	s.parent = s.daemon
	s.finished = make(chan error, 1)
	go func() { s.finished <- s.work() }()
	return <-s.finished
}

// work works in the goroutine that owns the recorder now, see [server.takeOver].
func (s *server) work() error {
	for s.needed() {
		s.taken, s.begun = 0, 0
		if err := s.turn(); err != nil {
			return err
		}
		switch {
		case s.taken >= littleOutput:
		case s.begun >= herd:
			unix.Poll(nil, int(herdTime.Milliseconds()))
		default:
			unix.Poll(nil, int(moment.Milliseconds()))
		}
	}
	for _, r := range s.ordered() { // no daemon says how they ended
		if !r.ended && !s.stuck {
			s.endMarker(r)
		}
	}
	s.console.drain()
	s.socket.remove() // the next daemon sees that nothing was lost
	return nil
}

func (s *server) turn() error {
	if err := s.wait.pause(s.stuck || s.quitting); err != nil {
		return err
	}
	timeout := s.again
	switch {
	case timeout >= 0:
	case s.stuck:
		timeout = retryAfter
	case !s.resting:
		timeout = restAfter
	}
	if !s.since.IsZero() && (timeout < 0 || timeout > keepLook) {
		timeout = keepLook
	}
	if !s.deaf.IsZero() && (timeout < 0 || timeout > retryAfter) {
		timeout = retryAfter
	}
	if s.daemon != nil && s.waitsForDescriptors() && (timeout < 0 || timeout > RestTime) {
		timeout = RestTime
	}
	ready, err := s.wait.next(timeout)
	if err != nil {
		return fmt.Errorf("cannot wait for output: %w", err)
	}
	if len(ready) == 0 && timeout == restAfter && !s.resting {
		s.rest()
		return nil
	}
	s.wake()
	if s.crowded {
		s.receive()
	}
	if err := s.listenAgain(); err != nil {
		return err
	}
	s.undone = s.stuck
	for _, fd := range ready {
		switch r := s.byFD[fd]; {
		case r != nil && !s.stuck && !s.quitting:
			s.readPipe(r, readSize)
		case fd == s.listener:
			s.accept()
		case fd == s.calls.wake[0]:
			s.freed()
		case s.daemon != nil && fd == s.daemon.FD():
			s.receive()
		case s.strangers[fd] != nil:
			s.meet(s.strangers[fd])
		}
	}
	return s.endTurn()
}

// endTurn does what does not depend on the descriptors that are ready.
func (s *server) endTurn() error {
	s.handleInbox()
	if s.undone {
		s.retry()
	}
	s.tellBegun()
	s.again = s.watchConsole()
	if err := s.flush(); err != nil {
		return err
	}
	s.closer.Flush()
	s.makeWay()
	return nil
}

// watchConsole tells the daemon about the lines for standard output. It returns when to do so again, at the latest; a
// negative time is at the next event.
func (s *server) watchConsole() time.Duration {
	if s.daemon == nil {
		return -1
	}
	m, news, busy := s.console.report()
	if news {
		s.send(m)
	}
	if s.draining && s.console.drained() {
		s.draining = false
		s.send(Message{Kind: Drained})
	}
	switch {
	case s.draining:
		return drainAfter
	case busy:
		return retryAfter
	}
	return -1
}

// retry continues the write for which the disk had no room, and then what has waited for it or for a pipe.
func (s *server) retry() {
	if s.resume(); s.stuck {
		return
	}
	s.undone = false
	if s.useSalvage(); s.stuck {
		return
	}
	if s.trouble != "" {
		s.trouble = ""
		s.send(Message{Kind: Trouble})
	}
	// That the output of a run is lost must stand in front of its end marker.
	for len(s.notes) > 0 && !s.stuck {
		n := s.notes[0]
		s.notes = s.notes[1:]
		s.note(n)
	}
	s.useLate()
	for _, r := range s.ordered() {
		s.advance(r)
		s.drop(r)
	}
}

func (s *server) ordered() []*run {
	return slices.SortedFunc(maps.Values(s.runs), func(a, b *run) int { return cmp.Compare(a.number, b.number) })
}

// stick makes the recorder wait until the current write is possible.
func (s *server) stick(err error) {
	s.stuck = true
	if s.trouble == "" {
		s.trouble = fmt.Sprintf("cannot write job logs, so runs that print much wait: %v", err)
		s.send(Message{Kind: Trouble, Text: s.trouble})
	}
}

// complete is the end of the current write. After an error its text is discarded.
func (s *server) complete(w *write, err error) {
	if err != nil {
		w.inode, w.at, w.line = 0, 0, 0
	}
	s.arena.done()
	var r *run
	if w.slot > 0 {
		r = s.runs[s.arena.slot(int(w.slot-1)).run]
	}
	switch {
	case r == nil:
	case w.first > 0 && w.last > 0:
		r.start, r.ending, r.ended = "", false, true
		s.ended(r)
	case w.first > 0:
		r.start = ""
		if r.log.Path != "" {
			s.mix(r)
		}
		s.young = append(s.young, r.number)
	case w.last > 0:
		r.ending, r.ended = false, true
		s.ended(r)
	}
}
