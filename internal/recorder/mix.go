package recorder

import "jobsd/internal/joblog"

// The lines of two runs can stand between each other from the start marker of the later one on. From there on, each line
// of either has a label. A process that outlives its run can write, too, until it closes the pipe.

// writes reports whether lines of a run can come.
func (s *server) writes(r *run) bool {
	return r.fd >= 0 || !r.ended && s.arena.slot(r.slot).inode > 0
}

// hasOthers reports whether lines of other runs can stand between those of a run that starts now.
func (s *server) hasOthers(r *run) bool {
	if r.log.Path == "" {
		return false
	}
	for other := range r.log.runs {
		if other != r && other.start == "" && s.writes(other) {
			return true
		}
	}
	return false
}

// mix notes for the other runs of a log that lines of a run stand between theirs from its start marker on. If some others
// were alive then, its own lines have a label from there on, too.
func (s *server) mix(r *run) {
	later := s.arena.slot(r.slot)
	if later.mixed == 0 || later.mixed != later.inode || later.from != later.at || !s.writes(r) {
		return
	}
	for other := range r.log.runs {
		if slot := s.arena.slot(other.slot); other != r && slot.mixed == 0 && other.start == "" && !other.ended && s.writes(other) {
			slot.mix(later.inode, later.at)
			s.began(other)
		}
	}
}

// mixAll does so for all runs: an earlier recorder may have been killed before it did.
func (s *server) mixAll() {
	for _, r := range s.ordered() {
		if r.log.Path != "" {
			s.mix(r)
		}
	}
}

// mixedFrom returns where the lines of a run begin to have a label, nil if none has one.
func (s *slot) mixedFrom() *joblog.Position {
	if s.mixed == 0 {
		return nil
	}
	return &joblog.Position{Inode: s.mixed, At: s.from}
}
