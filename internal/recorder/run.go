package recorder

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
	"jobsd/internal/plain"
)

// run is a run whose pipe is read, or whose end marker is not written yet.
type run struct {
	number uint64
	job    string
	log    *logFile
	fd     int // the read end of the pipe; -1: closed
	slot   int // in the arena

	watched bool // the recorder waits for the pipe

	start  string // the start marker, until it is written
	ending bool   // the end is requested and not written
	end    string // the end marker; "": none
	left   int    // bytes in the pipe that belong in front of the end marker, or notKnown
	ended  bool   // the end marker is written
	label  string // in front of lines while other runs of the job are alive
	done   bool   // the daemon has recorded that
	held   *call  // a call for the pipe that takes too long; nil: none
}

const notKnown = -1

// maxLine is the longest line in a log, in bytes. Longer ones are written in pieces.
const maxLine = 1 << 20

// readPipe reads from the pipe of a run once, at most limit bytes, and writes the whole lines to the log. It returns
// the number of bytes. With 0, nothing is there now, or the pipe has ended and is closed.
func (s *server) readPipe(r *run, limit int) int {
	n := s.waiting(r)
	// Without bytes in it, the pipe has ended; otherwise a read of one byte finds what came just now.
	n = max(1, min(n, limit, readSize))
	s.arena.expect(r.slot, n)
	input := s.arena.input(n)
	c := s.enter(r, true)
	n, err := unix.Read(r.fd, input)
	s.leave(c, n, err)
	step("read")
	return s.took(r, n, err)
}

// waiting returns the number of bytes in the pipe of a run.
func (s *server) waiting(r *run) int {
	c := s.enter(r, false)
	n, err := unix.IoctlGetInt(r.fd, fionread)
	s.leave(c, n, err)
	return n
}

// took handles the result of a read from the pipe of a run, whose n bytes are in the input.
func (s *server) took(r *run, n int, err error) int {
	switch {
	case err == unix.EINTR || err == unix.EAGAIN:
		n = 0
	case err != nil || n == 0:
		n = 0
		s.closePipe(r)
	default:
		s.taken += n
		s.received(r, n)
	}
	s.arena.got()
	return n
}

// received handles n bytes of a run in the input.
func (s *server) received(r *run, n int) {
	at := s.arena.inputOffset()
	unfinished := s.arena.unfinished(r.slot)
	whole := bytes.LastIndexByte(s.arena.input(n), '\n') + 1
	line := n - whole // the length of the unfinished line now
	if whole == 0 {
		line += len(unfinished)
	}
	fits := line <= maxUnfinished && s.arena.held+n-whole <= maxHeld
	switch {
	case whole == 0 && fits:
		s.arena.lengthen(r.slot, s.arena.input(n))
		return
	case !fits:
		whole = n // the line goes to the log as far as it came
	}
	from := at - len(unfinished)
	copy(s.arena.mem[from:], unfinished)
	text := s.arena.mem[from : at+whole]
	w := s.newWrite()
	w.bytes, w.rest, w.restLen = s.bytes(r, len(text)), int64(at+whole), int64(n-whole)
	s.output(r, text, w)
}

// bytes returns the length of the output of a run when n more bytes are in the log. What comes after the end does not
// belong to it.
func (s *server) bytes(r *run, n int) int64 {
	if r.ended {
		n = 0
	}
	return s.arena.slot(r.slot).bytes + int64(n)
}

// output writes text, which may begin or end in the middle of a line.
func (s *server) output(r *run, text []byte, w *write) {
	raw, slot := text, s.arena.slot(r.slot)
	midline := s.continues(r)
	w.line = int64(len(text) - bytes.LastIndexByte(text, '\n') - 1)
	if midline {
		w.continueLine(slot)
		if w.line == int64(len(text)) {
			w.line += slot.line
		}
	}
	end := ""
	if w.line+readSize > maxLine {
		w.line = 0
		end = "\n== run " + strconv.FormatUint(r.number, 10) + ": the line above is too long and continues below\n"
	}
	if r.log.Timestamps || s.labelled(r) || end != "" {
		text = append(s.appendLines(s.newText(), r, text, midline), end...)
	}
	s.put(r, r.log, text, w)
	s.console.write(r, raw) // afterwards: what is written twice after a kill is worse than what is missing
}

// newWrite returns an empty write. It is always the same one, because a new one would be more garbage than all the rest
// of a run.
func (s *server) newWrite() *write {
	s.scratch.writeHead = writeHead{}
	return &s.scratch
}

// newText returns where text is made in the arena.
func (s *server) newText() []byte { return s.arena.mem[textAt : textAt : textAt+textSize] }

// appendLines appends output with what the log has in front of each line.
func (s *server) appendLines(out []byte, r *run, text []byte, midline bool) []byte {
	front := ""
	if r.log.Timestamps {
		front = joblog.Stamp(time.Now())
	}
	if s.labelled(r) {
		front += "[" + r.label + "] "
	}
	for line := range bytes.Lines(text) {
		if !midline {
			out = append(out, front...)
		}
		out, midline = append(out, line...), false
	}
	return out
}

// labelled reports whether the lines of a run have its number in front: from the moment on when it is not the only run
// of its job, and if leftover processes write after the end.
func (s *server) labelled(r *run) bool { return s.arena.slot(r.slot).mixed > 0 || r.ended }

// startMarker writes the start marker of a run.
func (s *server) startMarker(r *run) {
	start := r.start
	out := appendMarker(s.newText(), start)
	w := s.newWrite()
	w.first = 1
	if s.hasOthers(r) {
		w.mixed = 1
	}
	s.put(r, r.log, out, w)
	s.console.marker(r.log, r.label, start)
}

// endMarker writes the unfinished line of a run and its end marker.
func (s *server) endMarker(r *run) {
	line := s.arena.unfinished(r.slot)
	out, w := s.finishLine(r)
	if r.end != "" {
		out = appendMarker(out, r.end)
	}
	r.ending = false
	w.last = 1
	s.put(r, r.log, out, w)
	s.console.write(r, line)
	s.console.end(r)
	if r.end != "" {
		s.console.marker(r.log, r.label, r.end)
	}
}

// appendMarker appends a marker, which is one line.
func appendMarker(out []byte, text string) []byte {
	return append(append(append(out, "== "...), plain.Line(text)...), '\n')
}

// finish asks for the end marker. What the pipe holds at this moment belongs in front of it.
func (r *run) finish(marker string) { r.ending, r.end, r.left = true, marker, notKnown }

// advance does what the daemon has asked for a run, as far as the disk allows.
func (s *server) advance(r *run) {
	if r.start != "" && r.ending && r.held == nil && !s.stuck {
		s.writeWhole(r)
	}
	if r.start != "" && !s.stuck {
		s.startMarker(r)
	}
	if r.ending && r.fd >= 0 && r.held == nil && !s.stuck {
		s.drain(r)
	}
	if r.ending && r.held == nil && !s.stuck {
		s.endMarker(r)
	}
}

// drain reads what belongs in front of the end marker. Later output stays in the pipe.
func (s *server) drain(r *run) {
	if r.left == notKnown {
		r.left = s.waiting(r)
	}
	for r.left > 0 && r.fd >= 0 && !s.stuck {
		n := s.readPipe(r, r.left)
		if r.left -= n; n == 0 {
			r.left = 0
		}
	}
	if r.fd >= 0 && !s.stuck && hungUp(r.fd) {
		s.closePipe(r)
	}
}

// look reports whether a pipe is empty, and whether nobody can write to it any more.
func look(fd int) (empty, closed bool) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	if n < 0 || err != nil {
		return false, false
	}
	return p[0].Revents&unix.POLLIN == 0, p[0].Revents&unix.POLLHUP != 0
}

// hungUp reports whether a pipe is empty and nobody can write to it any more.
func hungUp(fd int) bool {
	empty, closed := look(fd)
	return empty && closed
}

func (s *server) closePipe(r *run) {
	if r.watched {
		s.wait.removePipe(r.fd)
	}
	r.watched = false
	if s.daemon != nil {
		s.daemon.Strip(r.fd)
	}
	s.closer.Close(r.fd)
	delete(s.byFD, r.fd)
	r.fd, r.held = -1, nil
	if r.ended {
		s.lastLine(r)
		s.send(Message{Kind: Closed, Run: r.number})
		s.drop(r)
	}
}

// lastLine ends the unfinished line of a process that outlived its run.
func (s *server) lastLine(r *run) {
	line := s.arena.unfinished(r.slot)
	if out, w := s.finishLine(r); len(out) > 0 {
		s.put(r, r.log, out, w)
	}
	s.console.write(r, line)
	s.console.end(r)
}

// finishLine returns what ends the unfinished line of a run in its log, if there is one, and the write for that.
func (s *server) finishLine(r *run) (out []byte, w *write) {
	slot, line, midline := s.arena.slot(r.slot), s.arena.unfinished(r.slot), s.continues(r)
	out, w = s.newText(), s.newWrite()
	w.bytes = s.bytes(r, len(line))
	if len(line) > 0 || midline {
		out = append(s.appendLines(out, r, line, midline), '\n')
	}
	if midline {
		w.continueLine(slot)
	}
	return out, w
}
