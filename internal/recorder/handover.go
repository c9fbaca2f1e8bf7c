package recorder

import (
	"os"

	"jobsd/internal/joblog"
)

// handover is the end of a recorder for another one.
type handover struct {
	quitting bool // another recorder takes over
	next     int  // the version of its memory
	handed   bool // the daemon has been told, or will be, what the next recorder needs
}

// quit prepares the end of this recorder for another one.
func (s *server) quit(version int) {
	s.next, s.quitting = version, true
	for _, r := range s.runs {
		if r.held != nil && version == Version {
			s.quitting = false
			s.send(Message{Kind: Ready})
			return
		}
	}
}

// makeWay ends this recorder if another one takes over and nothing is left that only this one knows.
func (s *server) makeWay() {
	if !s.quitting || len(s.notes) > 0 {
		return
	}
	if s.next != Version {
		if s.stuck {
			return
		}
		if !s.handed {
			s.handed = true
			s.handOver()
		}
		if s.flush() != nil || s.daemon == nil || s.daemon.Waiting() {
			return
		}
	}
	s.console.drain()
	os.Exit(0)
}

// handOver tells the daemon what the memory has, for a recorder that cannot read it.
func (s *server) handOver() {
	for _, r := range s.ordered() {
		slot := s.arena.slot(r.slot)
		m := Message{Kind: Handed, Run: r.number, From: &joblog.Position{Inode: slot.inode, At: slot.at}, Bytes: slot.bytes,
			Mixed: slot.mixedFrom(), Line: s.arena.unfinished(r.slot), Logged: slot.line}
		if slot.line > 0 {
			m.LineEnd = &joblog.Position{Inode: slot.lineIn, At: slot.lineAt}
		}
		s.send(m)
	}
}

// firstSlot returns the slot of a run that a recorder of another version has handed over, or that is new.
func firstSlot(m Received) slot {
	first := slot{run: m.Run, bytes: m.Bytes}
	if m.From != nil {
		first.inode, first.at = m.From.Inode, m.From.At
	}
	if m.Mixed != nil {
		first.mixed, first.from = m.Mixed.Inode, m.Mixed.At
	}
	if m.LineEnd != nil {
		first.line, first.lineIn, first.lineAt = m.Logged, m.LineEnd.Inode, m.LineEnd.At
	}
	return first
}
