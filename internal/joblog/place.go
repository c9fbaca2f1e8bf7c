package joblog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// ErrGone means that the log does not have the output of a run any more: its file was removed, emptied, replaced or
// rotated away.
var ErrGone = errors.New("it was rotated away, or somebody removed, emptied or replaced the log file")

// ErrStdout means that the output of a run is in no log.
var ErrStdout = errors.New("it went to the standard output of the daemon, not to a log")

// Find returns the offsets at which the output of a run begins and ends, with its markers. While the output is not
// complete, it ends where the log ends. It reports false if the log does not have it any more.
func (l *Log) Find(p Place, run uint64) (from, to int64, ok bool) {
	if p.Stdout {
		return 0, 0, false
	}
	from, ok = l.Start(p.From, run)
	to = l.Size()
	switch {
	case !ok || p.To == nil:
	case p.To.Inode == p.From.Inode:
		to, ok = l.Offset(*p.To)
	default: // the inode may have another file now
		to, ok = l.End(p, run)
	}
	return from, to, ok && from <= to
}

// Rest returns the offsets of what is left of the output of a run whose beginning is gone: from an offset on, or behind
// the last marker of another run.
func (l *Log) Rest(p Place, run uint64, from int64) (_, to int64, ok bool) {
	to, ok = l.End(p, run)
	switch {
	case p.Mixed != nil: // the labels tell its lines from those of other runs
		return 0, to, ok && to > 0
	case !ok || !p.Alone:
		return 0, 0, false
	}
	lines, at := bufio.NewReader(l.Reader(from, to)), from
	for {
		line, err := lines.ReadSlice('\n')
		at += int64(len(line))
		if number, ok := markerOf(line); ok && number != run {
			from = at
		}
		if err != nil && err != bufio.ErrBufferFull { // a piece of a long line is no marker
			return from, to, err == io.EOF && from < to
		}
	}
}

// End returns the offset at which the output of a run ends. It reports false if its end marker is not there any more.
// With it, the log has the rest of an output whose beginning was rotated away.
func (l *Log) End(p Place, run uint64) (int64, bool) {
	if p.To == nil || p.Stdout {
		return 0, false
	}
	to, ok := l.Offset(*p.To)
	if !ok {
		return 0, false
	}
	// Another file may have the inode now.
	const longest = 4 << 10 // of a marker, in most cases
	text, err := io.ReadAll(l.Reader(max(0, to-longest), to))
	line := text[bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n')+1:]
	return to, err == nil && bytes.HasPrefix(line, fmt.Appendf(nil, "== run %d ", run))
}

// Lines picks the lines of one run out of the part of a log between its markers. While another run of the job is alive,
// lines of both stand there, and each line of either begins with the number of its run.
type Lines struct {
	run   uint64
	mixed int64 // offset from which on only lines with a label are the run's
	known bool  // that is recorded; otherwise the start marker of another run says it
}

const nowhere = math.MaxInt64

// LinesOf returns the Lines of a run.
func (l *Log) LinesOf(p Place, run uint64) *Lines {
	lines := &Lines{run: run, mixed: nowhere, known: p.Alone || p.Mixed != nil}
	if p.Mixed != nil {
		lines.mixed = l.mixedFrom(p, run)
	}
	return lines
}

// mixedFrom returns the offset from which on lines of other runs stand between those of a run. If a marker is not there
// any more, because a file was rotated away or emptied, what is left may all be mixed.
func (l *Log) mixedFrom(p Place, run uint64) int64 {
	_, found := l.Start(p.From, run)
	at, ok := l.Offset(*p.Mixed)
	got := make([]byte, len(mark))
	if ok && found {
		io.ReadFull(l.Reader(at, l.Size()), got)
	}
	if string(got) != mark {
		return 0
	}
	return at
}

// Own reports whether the next line, which begins at an offset of the log, is one of the run, and returns it without its
// label.
func (l *Lines) Own(line []byte, at int64) ([]byte, bool) {
	if !l.known && at < l.mixed && startsOther(line, l.run) {
		l.mixed = at
	}
	if at < l.mixed {
		return line, true
	}
	if text, ok := l.withoutLabel(line); ok {
		return text, true
	}
	return line, bytes.HasPrefix(line, fmt.Appendf(nil, "== run %d ", l.run))
}

// withoutLabel cuts the label of the run out of a line. The label stands behind the timestamp, if there is one.
func (l *Lines) withoutLabel(line []byte) ([]byte, bool) {
	n := stampLength(line)
	text, ok := bytes.CutPrefix(line[n:], fmt.Appendf(nil, "[%d] ", l.run))
	if n > 0 && ok {
		text = slices.Concat(line[:n], text)
	}
	return text, ok
}

// startsOther reports whether a line is the start marker of another run.
func startsOther(line []byte, run uint64) bool {
	n, ok := markerOf(line)
	_, rest, _ := bytes.Cut(bytes.TrimPrefix(line, []byte(marker)), []byte(" "))
	return ok && n != run && bytes.HasPrefix(rest, []byte("started"))
}

// markerOf returns the run of a marker.
func markerOf(line []byte) (run uint64, ok bool) {
	text, ok := bytes.CutPrefix(line, []byte(marker))
	number, _, _ := bytes.Cut(text, []byte(" "))
	run, err := strconv.ParseUint(string(number), 10, 64)
	return run, ok && err == nil
}

const marker = "== run " // of a run

// ErrMixed means that nobody knows which lines belong to a run.
var ErrMixed = errors.New("other runs may have written to the log at the same time, and which lines are its own is not known")

// ErrUnplaced means that nobody knows where the output of a run begins. Most of these runs did not start.
var ErrUnplaced = errors.New("where its output begins in the log is not known, because jobsd was killed when the run started")

// Tail returns the last lines of the output of a run, about size bytes at most, without its markers and labels. It says
// whether there is more before them.
func Tail(path string, run uint64, p Place, size int64) (text []byte, cut bool, err error) {
	switch {
	case p.Stdout:
		return nil, false, ErrStdout
	case p.From.Inode == 0:
		return nil, false, ErrUnplaced
	}
	l, err := OpenLog(path)
	if err != nil {
		return nil, false, err
	}
	defer l.Close()
	begin, end, ok := l.Find(p, run)
	if !ok {
		return nil, false, ErrGone
	}
	look := size
	if !p.Alone && p.Mixed == nil { // as after a crash
		if look = end - begin; look > maxUnknown {
			return nil, false, ErrMixed
		}
	}
	// While lines of other runs stand between its own, the last lines of the run may be far away from the end.
	for ; ; look *= 8 {
		from := max(begin, end-look)
		cut = from > begin
		if text, err = l.own(p, run, from, end, cut); err != nil {
			return nil, false, err
		}
		if !cut || int64(len(text)) >= size/2 || look > maxLook*size {
			break
		}
	}
	if n := int64(len(text)) - size; n > 0 {
		text, cut = text[n:], true
		if i := bytes.IndexByte(text, '\n'); i >= 0 && i < len(text)-1 {
			text = text[i+1:]
		}
	}
	return text, cut, nil
}

// maxLook limits how far Tail looks back, as a multiple of the size.
const maxLook = 1000

// maxUnknown limits how much Tail reads if nobody recorded whether other runs wrote to the log at the same time. Then only
// the start markers of other runs show it, and the first one may stand anywhere.
const maxUnknown = 8 << 20

// own returns the lines of a run between two offsets without markers and labels. If cut, the first may lack its beginning.
func (l *Log) own(p Place, run uint64, from, end int64, cut bool) (text []byte, err error) {
	all, err := io.ReadAll(l.Reader(from, end))
	if err != nil {
		return nil, fmt.Errorf("cannot read the log: %w", err)
	}
	if cut {
		if i := bytes.IndexByte(all, '\n'); i >= 0 && i < len(all)-1 {
			from += int64(i + 1)
			all = all[i+1:]
		}
	}
	lines := l.LinesOf(p, run)
	for line := range bytes.Lines(all) {
		if own, ok := lines.Own(line, from); ok && !IsMarker(string(line)) {
			text = append(text, own...)
		}
		from += int64(len(line))
	}
	return text, nil
}
