package recorder

import (
	"cmp"
	"fmt"
)

func (s *server) logOf(job string, log Log) *logFile {
	key := cmp.Or(log.Path, job) // a path begins with a slash
	l := s.logs[key]
	if l == nil {
		l = &logFile{job: job, runs: map[*run]bool{}}
		s.logs[key] = l
	}
	l.Log = log
	return l
}

func (s *server) forget(l *logFile) {
	if len(l.runs) == 0 && l.trouble == "" {
		delete(s.logs, cmp.Or(l.Path, l.job))
	}
}

// remove ends the trouble of the logs of a job that does not exist any more.
func (s *server) remove(job string) {
	for _, l := range s.logs {
		if l.job == job && len(l.runs) == 0 && l.trouble != "" {
			l.trouble = ""
			s.send(Message{Kind: Trouble, Job: job})
			s.forget(l)
		}
	}
}

// complain reports why the log of a job cannot be written and its output is discarded, or, without an error, that it
// can again.
func (s *server) complain(w *write, err error) {
	if l := s.logs[w.file()]; l != nil {
		s.complainOf(l, err)
	}
}

func (s *server) complainOf(l *logFile, err error) {
	if (l.trouble != "") == (err != nil) {
		return
	}
	l.trouble = ""
	if err != nil {
		l.trouble = fmt.Sprintf("cannot write the log of %s, so its output is discarded: %v", l.job, err)
	}
	s.send(Message{Kind: Trouble, Job: l.job, Text: l.trouble})
}
