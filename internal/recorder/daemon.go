package recorder

import (
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// daemonLink is what a recorder has of its daemon, and of those that want to be that.
type daemonLink struct {
	daemon  *Conn  // nil: there is none
	parent  *Conn  // to the daemon that started this recorder
	id      string // of the state directory of the daemon
	program string // its version when it started this recorder
	greeted bool   // a daemon has said hello

	crowded  bool            // the recorder has too few free descriptors to receive more
	full     bool            // the socket to the daemon is full, and the recorder waits for room in it
	draining bool            // the daemon waits until all lines are on standard output
	inbox    []Received      // messages of the daemon that are not handled yet
	refused  map[uint64]bool // runs for which there was no room

	listener  int // where a new daemon connects; -1: nowhere
	socket    socketFile
	strangers map[int]*Conn // connections that have not said hello yet, by their descriptors
	deaf      time.Time     // until then no connection is accepted
}

func (s *server) send(m Message) {
	if s.daemon != nil {
		s.daemon.Send(m)
	}
}

func (s *server) flush() error {
	if s.daemon == nil {
		return nil
	}
	if err := s.daemon.Flush(); err != nil {
		s.lastWords()
		return nil
	}
	if s.crowded || s.daemon.Waiting() == s.full {
		return nil
	}
	s.full = !s.full
	return s.wait.alsoWritable(s.daemon.FD(), s.full)
}

// lastWords handles what a daemon that is gone has sent before: there may be pipes that nobody else has.
func (s *server) lastWords() {
	s.receive()
	if s.daemon != nil {
		s.hangUp()
	}
}

func (s *server) hangUp() {
	s.wait.remove(s.daemon.FD())
	s.daemon.Close()
	s.daemon, s.full, s.crowded, s.draining = nil, false, false, false
	clear(s.refused)
	s.quitting, s.handed = false, false // that daemon did not start another recorder
	s.tookAll()
}

// newConn returns a connection whose messages wake the recorder, nil if there is no room for it.
func (s *server) newConn(fd int) *Conn {
	conn, err := NewConn(fd)
	if err == nil {
		err = s.wait.add(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil
	}
	return conn
}

// receive takes the messages of the daemon. The first daemon is trusted to be the right one, because it has started this
// recorder.
func (s *server) receive() {
	conn := s.daemon
	list, err := conn.Receive()
	if len(list) > 0 && !s.greeted {
		if list[0].Kind != Hello {
			closeAll(list)
			s.hangUp()
			return
		}
		s.id, s.program, s.greeted = list[0].ID, list[0].Program, true
	}
	s.take(conn, list, err)
}

func (s *server) take(conn *Conn, list []Received, err error) {
	s.inbox = append(s.inbox, list...)
	s.handleInbox()
	if err != nil && s.daemon == conn {
		s.hangUp()
	}
	if s.daemon == conn {
		s.leaveOutDaemon()
	}
}

// waitsForDescriptors reports whether the connection to the daemon must be tried again without an event.
func (s *server) waitsForDescriptors() bool {
	in, out := s.daemon.Resting()
	return in || out
}

// leaveOutDaemon leaves out the socket to the daemon while there are too few free descriptors. Runs that end free some, and until
// then new ones wait.
func (s *server) leaveOutDaemon() {
	in, _ := s.daemon.Resting()
	if in == s.crowded {
		return
	}
	if s.crowded = in; in {
		s.wait.remove(s.daemon.FD())
		return
	}
	s.full = false
	if err := s.wait.add(s.daemon.FD()); err != nil {
		s.hangUp()
	}
}

func (s *server) handleInbox() {
	for len(s.inbox) > 0 {
		m := s.inbox[0]
		s.inbox = s.inbox[1:]
		s.handle(m)
	}
	s.beginFresh()
}

func (s *server) handle(m Received) {
	if !m.Kind.bringsDescriptors() {
		closeAll([]Received{m})
	}
	switch m.Kind {
	case Begin, Resume, End, Done, Keep: // these say where they stand in a log, or are not about a log
	default:
		s.beginFresh() // what was handed over before comes first
	}
	switch m.Kind {
	case Hello:
		if s.daemon != nil {
			s.hello(m)
		}
	case Begin, Resume:
		s.begin(m)
	case End:
		s.end(m)
	case Keep:
		s.keep(m)
	case Done:
		s.discard(m.Run)
		if r := s.runs[m.Run]; r != nil {
			r.done = true
			s.drop(r)
		}
	case Note:
		if m.Log != nil {
			s.note(note{m.Job, *m.Log, m.Text, m.Output})
		}
	case Ready:
		s.tookAll()
	case Remove:
		s.remove(m.Job)
	case Change:
		s.change(m)
	case Drain:
		s.draining = true
	case Ping:
		s.send(Message{Kind: Pong})
	case Quit:
		s.quit(m.Version)
	}
}

// hello answers the daemon with all that this recorder has.
func (s *server) hello(m Received) {
	s.change(m)
	s.console.said = "" // this daemon knows nothing
	memory := []int{s.arena.fd}
	if s.daemon == s.parent { // it has the memory, and may have no room for another descriptor
		memory = nil
	}
	s.daemon.Send(Message{Kind: Hello, Version: Version, ID: s.id, Program: s.program}, memory...)
	for _, r := range s.ordered() {
		have := Message{Kind: Have, Run: r.number, Job: r.job, Label: r.label, Log: &r.log.Log, Over: r.ended, Closed: r.fd < 0,
			Start: r.start, Ending: r.ending, Text: r.end}
		if r.fd >= 0 {
			s.daemon.Send(have, r.fd)
		} else {
			s.daemon.Send(have)
		}
		switch slot := s.arena.slot(r.slot); {
		case r.ended && !r.done:
			s.ended(r)
		case slot.inode > 0:
			s.began(r)
		}
		if r.held != nil {
			s.tellHeld(r)
		}
	}
	s.tellKept()
	if s.trouble != "" {
		s.daemon.Send(Message{Kind: Trouble, Text: s.trouble})
	}
	for _, l := range s.logs {
		if l.trouble != "" {
			s.daemon.Send(Message{Kind: Trouble, Job: l.job, Text: l.trouble})
		}
	}
	s.daemon.Send(Message{Kind: Ready})
}

func (s *server) change(m Received) {
	if m.Settings != nil {
		s.settings = *m.Settings
	}
	switch {
	case len(m.FDs) == 1:
		s.console.turnTo(newOutlet(m.FDs[0]))
	case len(m.FDs) > 1:
		closeAll([]Received{m})
	case s.settings.Stdout != "":
		s.console.turnTo(newFileOutlet(s.settings.Stdout, s.settings.Group))
	}
}

// tellBegun tells the daemon which runs began in this turn. The end of a run says where it began, too.
func (s *server) tellBegun() {
	for _, number := range s.young {
		if r := s.runs[number]; r != nil && !r.ended {
			s.began(r)
		}
	}
	s.young = s.young[:0]
}

func (s *server) began(r *run) {
	slot := s.arena.slot(r.slot)
	s.send(Message{Kind: Began, Run: r.number, From: &joblog.Position{Inode: slot.inode, At: slot.at}, Mixed: slot.mixedFrom()})
}

func (s *server) ended(r *run) {
	slot := s.arena.slot(r.slot)
	s.send(Message{Kind: Ended, Run: r.number, Bytes: slot.bytes, Closed: r.fd < 0,
		From: &joblog.Position{Inode: slot.inode, At: slot.at}, To: &joblog.Position{Inode: slot.end, At: slot.endAt},
		Mixed: slot.mixedFrom(), Alone: slot.inode > 0 && slot.mixed == 0})
}
