package recorder

import "strings"

// note is a marker between runs that waits for the disk.
type note struct {
	job    string
	log    Log
	text   string
	output string // lines that follow the text, each in a marker of its own; "": the text alone is the marker
}

// lines returns the texts of the markers.
func (n *note) lines() (list []string) {
	for line := range strings.Lines(n.output) {
		list = append(list, n.text+": "+strings.TrimSuffix(line, "\n"))
	}
	if list == nil {
		list = []string{n.text}
	}
	return list
}

// note writes a marker between runs.
func (s *server) note(n note) {
	switch {
	case !s.stuck:
		l := s.logOf(n.job, n.log)
		out := s.newText()
		for _, text := range n.lines() {
			out = appendMarker(out, text)
			s.console.marker(l, "", text)
		}
		s.put(nil, l, out, s.newWrite())
		s.forget(l)
	case len(s.notes) < maxNotes:
		s.notes = append(s.notes, n)
	}
}
