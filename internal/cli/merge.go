package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"jobsd/internal/joblog"
)

// piece is the part of a job's log from the start of one run to the start of the next.
type piece struct {
	source   *source
	at       time.Time // zero: before the first run in the journal
	from, to int64
}

// source is one of several logs that are merged.
type source struct {
	log   *jobLog
	lines *grepper // writes to out
	out   *labeler
}

// doMerged merges the logs of several jobs. Lines have no time, so it merges whole runs, in the order of their starts.
func (a *app) doMerged(s *site, names []string, o logsOptions) error {
	var sources []*source
	defer func() {
		for _, src := range sources {
			src.log.Close()
		}
	}()
	width := len(slices.MaxFunc(names, func(a, b string) int { return len(a) - len(b) }))
	for _, name := range names {
		log, err := a.openKnown(s, name)
		if err != nil {
			return err
		}
		a.mentionStdout(log, 0)
		out := &labeler{w: a.out, label: fmt.Sprintf("%-*s | ", width, name)}
		sources = append(sources, &source{log, &grepper{w: out, text: []byte(o.grep)}, out})
	}
	pieces := slices.DeleteFunc(piecesOf(sources), func(p piece) bool { return p.at.Before(o.since) })
	pieces, err := lastOf(pieces, o.lines)
	if err != nil {
		return err
	}
	if a.json {
		return a.printPieces(pieces, o)
	}
	for _, p := range pieces {
		if err := p.source.log.print(p.source.lines, p.from, p.to); err != nil {
			return err
		}
		if !o.follow || p.to < p.source.log.Size() {
			if err := p.source.end(); err != nil {
				return err
			}
		}
	}
	if o.follow {
		return a.followMerged(sources)
	}
	return nil
}

// piecesOf cuts the logs into pieces and sorts the pieces by time.
func piecesOf(sources []*source) (pieces []piece) {
	for _, src := range sources {
		log := src.log
		cuts := []piece{{source: src}}
		for _, r := range log.runs {
			if r.found && r.from >= cuts[len(cuts)-1].from {
				cuts = append(cuts, piece{source: src, at: r.at, from: r.from})
			}
		}
		for i := range cuts {
			cuts[i].to = log.Size()
			if i+1 < len(cuts) {
				cuts[i].to = cuts[i+1].from
			}
		}
		pieces = append(pieces, cuts...)
	}
	pieces = slices.DeleteFunc(pieces, func(p piece) bool { return p.from >= p.to })
	slices.SortStableFunc(pieces, func(a, b piece) int { return a.at.Compare(b.at) })
	return pieces
}

// lastOf drops all lines except the last n.
func lastOf(pieces []piece, n int) ([]piece, error) {
	if n == all {
		return pieces, nil
	}
	for i, p := range slices.Backward(pieces) {
		if n == 0 {
			return pieces[i+1:], nil
		}
		from, err := p.source.log.lastLines(p.from, p.to, n)
		if err != nil {
			return nil, err
		}
		pieces[i].from = from
		lines, err := countLines(p.source.log.Reader(from, p.to))
		if err != nil {
			return nil, err
		}
		n -= lines
	}
	return pieces, nil
}

// countLines counts the lines, including an unfinished one at the end.
func countLines(r io.Reader) (n int, err error) {
	buf, last := make([]byte, 64<<10), byte('\n')
	for {
		k, err := r.Read(buf)
		if k > 0 {
			n += bytes.Count(buf[:k], []byte("\n"))
			last = buf[k-1]
		}
		switch {
		case err == io.EOF && last != '\n':
			return n + 1, nil
		case err == io.EOF:
			return n, nil
		case err != nil:
			return 0, fmt.Errorf("cannot read the log: %w", err)
		}
	}
}

// end finishes an unfinished line.
func (s *source) end() error {
	if err := s.lines.end(); err != nil {
		return err
	}
	return s.out.end()
}

// printPieces prints lines as JSON.
func (a *app) printPieces(pieces []piece, o logsOptions) error {
	lines := []logLine{} // no null in the output
	for _, p := range pieces {
		more, err := p.source.log.lines(p.from, p.to, o.run)
		if err != nil {
			return err
		}
		lines = append(lines, slices.DeleteFunc(more, func(l logLine) bool { return !strings.Contains(l.Text, o.grep) })...)
	}
	return a.printJSON(lines)
}

// followMerged prints what is added to the logs.
func (a *app) followMerged(sources []*source) error {
	followers := make([]*joblog.Follower, len(sources))
	for i, src := range sources {
		var err error
		if followers[i], err = src.log.Follow(src.log.Size()); err != nil {
			return err
		}
	}
	for {
		for i, src := range sources {
			if err := followers[i].More(src.lines); err != nil {
				return err
			}
		}
		time.Sleep(followPoll)
	}
}

// longestHeld is how many bytes of an unfinished line labeler holds back, so that lines of several logs do not mix.
const longestHeld = 64 << 10

// labeler writes a label in front of each line.
type labeler struct {
	w     io.Writer
	label string
	held  []byte // an unfinished line
	begun bool   // the beginning of the held line has been printed
}

func (l *labeler) Write(text []byte) (int, error) {
	l.held = append(l.held, text...)
	var out strings.Builder
	for {
		line, rest, whole := bytes.Cut(l.held, []byte("\n"))
		if !whole && len(l.held) < longestHeld {
			break
		}
		if !l.begun {
			out.WriteString(l.label)
		}
		out.Write(line)
		if l.begun = !whole; whole {
			out.WriteByte('\n')
		}
		l.held = rest
	}
	if _, err := io.WriteString(l.w, out.String()); err != nil {
		return 0, fmt.Errorf("cannot print: %w", err)
	}
	return len(text), nil
}

// end finishes an unfinished line.
func (l *labeler) end() error {
	if len(l.held) == 0 && !l.begun {
		return nil
	}
	_, err := l.Write([]byte("\n"))
	return err
}
