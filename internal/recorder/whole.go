package recorder

import "golang.org/x/sys/unix"

// maxWhole is the most output of a run that is written at once, in bytes.
const maxWhole = readSize

// writeWhole writes a run that is over before its start marker is written: with one write instead of one for each marker
// and one for the output. It leaves to others the runs that print much, and those whose lines need a label.
func (s *server) writeWhole(r *run) {
	if s.hasOthers(r) || r.log.Path == "" || s.arena.slot(r.slot).length > 0 {
		return
	}
	n := 0
	if r.fd >= 0 {
		empty, closed := look(r.fd)
		if !empty {
			if n = s.readWhole(r); n < 0 {
				return
			}
		}
		if closed {
			s.closePipe(r)
		}
	}
	output := s.arena.input(n)
	text := appendMarker(s.newText(), r.start)
	if text = s.appendLines(text, r, output, false); n > 0 && output[n-1] != '\n' {
		text = append(text, '\n')
	}
	if r.end != "" {
		text = appendMarker(text, r.end)
	}
	start := r.start
	w := s.newWrite()
	w.first, w.last, w.bytes = 1, 1, int64(n)
	s.put(r, r.log, text, w)
	s.arena.got()
	s.console.marker(r.log, r.label, start)
	s.console.write(r, output)
	s.console.end(r)
	if r.end != "" {
		s.console.marker(r.log, r.label, r.end)
	}
}

// fitsWhole reports whether a run with n bytes of output, which go to one file, makes no file larger than its maximum.
func (r *run) fitsWhole(n int) bool {
	const front = 32 // at most this many bytes of a timestamp stand in front of a line, which has a byte at least
	if r.log.Timestamps {
		n *= 1 + front
	}
	size := int64(len("== ")+len(r.start)+1+n+1+len("== ")+len(r.end)) + 1
	return r.log.MaxSize == 0 || size <= r.log.MaxSize
}

// readWhole reads all that the pipe of a run holds into the input and returns the number of bytes. It returns -1 and
// reads nothing if that is too much.
func (s *server) readWhole(r *run) int {
	n := s.waiting(r)
	if n > maxWhole || !r.fitsWhole(n) {
		return -1
	}
	if n == 0 {
		return 0
	}
	s.arena.expect(r.slot, n)
	input := s.arena.input(n)
	c := s.enter(r, true)
	n, err := unix.Read(r.fd, input)
	s.leave(c, n, err)
	step("read")
	if n < 0 || err != nil {
		n = 0
	}
	s.taken += n
	return n
}
