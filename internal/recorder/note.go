package recorder

// note is a marker between runs that waits for the disk.
type note struct {
	job  string
	log  Log
	text string
}

// note writes a marker between runs.
func (s *server) note(n note) {
	switch {
	case !s.stuck:
		l := s.logOf(n.job, n.log)
		s.put(nil, l, appendMarker(s.newText(), n.text), &write{})
		s.console.marker(l, "", n.text)
		s.forget(l)
	case len(s.notes) < maxNotes:
		s.notes = append(s.notes, n)
	}
}
