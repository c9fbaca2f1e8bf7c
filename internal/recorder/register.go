package recorder

import (
	"cmp"
	"strconv"

	"golang.org/x/sys/unix"
)

// begin takes over the pipe of a run.
func (s *server) begin(m Received) {
	pipe := m.Descriptors > 0
	if len(m.FDs) != m.Descriptors || len(m.FDs) > 1 || m.Kind == Begin && !pipe {
		s.refuse(m)
		return
	}
	r := s.run(m)
	if r == nil {
		s.refuse(m)
		return
	}
	if m.Kind == Begin && r.fd >= 0 { // the start failed and is tried again with another pipe
		s.closePipe(r)
	}
	switch {
	case !pipe:
	case r.fd >= 0:
		unix.Close(m.FDs[0])
	default:
		fd := m.FDs[0]
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_NONBLOCK); err != nil {
			s.refuse(m)
			return
		}
		r.fd = fd
		s.byFD[fd] = r
	}
	delete(s.refused, m.Run)
	slot := s.arena.slot(r.slot)
	switch {
	case slot.end > 0:
		r.ended = true
		s.ended(r)
	case m.Over: // only the pipe is left, and the daemon knows all else
		r.ended, r.done = true, true
	case slot.inode > 0: // an earlier recorder wrote the marker and died before it said so
		s.began(r)
	case m.Kind == Begin:
		r.start = m.Text
		s.begun++
	}
	s.fresh = append(s.fresh, r)
}

// beginFresh begins the runs that were handed over. This waits until all messages that have arrived are handled: a short
// run may be over by then, and is written at once.
func (s *server) beginFresh() {
	for len(s.fresh) > 0 {
		r := s.fresh[0]
		s.fresh = s.fresh[1:]
		s.advanceFresh(r)
	}
}

func (s *server) advanceFresh(r *run) {
	if s.runs[r.number] != r {
		return
	}
	s.advance(r)
	if r.fd < 0 || r.watched {
		return
	}
	if r.watched = s.wait.addPipe(r.fd) == nil; !r.watched { // the daemon hands it over again
		s.closePipe(r)
		if !r.ended {
			s.refused[r.number] = true
			s.send(Message{Kind: Refused, Run: r.number})
		}
	}
}

// beginBefore begins the runs of the same log that were handed over before a run.
func (s *server) beginBefore(r *run) {
	for _, other := range s.fresh {
		if other == r {
			return
		}
		if other.log == r.log {
			s.advance(other)
		}
	}
}

// refuse leaves a run to the daemon, which hands it over again later. Its end waits for that, too.
func (s *server) refuse(m Received) {
	closeAll([]Received{m})
	if m.Run == 0 || m.Log == nil {
		return
	}
	if m.Kind != End {
		s.refused[m.Run] = true
	}
	s.send(Message{Kind: Refused, Run: m.Run})
}

// run returns the run of a message. It makes it if it is not known.
func (s *server) run(m Received) *run {
	if r := s.runs[m.Run]; r != nil {
		return r
	}
	if m.Log == nil || m.Run == 0 {
		return nil
	}
	n := s.arena.takeWith(firstSlot(m), m.Line)
	if n < 0 {
		return nil
	}
	r := &run{number: m.Run, job: m.Job, label: cmp.Or(m.Label, strconv.FormatUint(m.Run, 10)), log: s.logOf(m.Job, *m.Log), fd: -1, slot: n}
	r.log.runs[r] = true
	s.runs[m.Run] = r
	return r
}

// end handles the end of a run. The run is not known if it ended while there was no recorder.
func (s *server) end(m Received) {
	if s.refused[m.Run] { // its output comes first
		return
	}
	r := s.run(m)
	if r == nil {
		s.refuse(m)
		return
	}
	if r.ended || s.arena.slot(r.slot).end > 0 {
		r.ended = true
		s.ended(r)
		return
	}
	r.finish(m.Text)
	if len(r.log.runs) > 1 {
		s.beginBefore(r)
	}
	s.advance(r)
}

// drop forgets a run of which nothing more can come.
func (s *server) drop(r *run) {
	if !r.done || r.fd >= 0 || s.stuck || s.runs[r.number] != r { // the current write may be that of the run
		return
	}
	s.console.end(r)
	s.arena.give(r.slot)
	delete(s.runs, r.number)
	delete(r.log.runs, r)
	s.forget(r.log)
}

// tookAll begins the work: all runs are known.
func (s *server) tookAll() {
	if !s.taking {
		return
	}
	s.taking, s.undone = false, true
	s.mixAll()
	s.arena.keepOnly(func(run uint64) bool { return s.runs[run] != nil || s.refused[run] })
}

// useSalvage writes what an earlier recorder read.
func (s *server) useSalvage() {
	if s.salvaged == 0 {
		return
	}
	r := s.runs[s.salvaged]
	s.salvaged = 0
	if r != nil { // otherwise no daemon has the run
		if r.start != "" { // it was about to be written at once
			s.startMarker(r)
		}
		s.received(r, s.salvagedBytes)
	}
	s.arena.got()
}
