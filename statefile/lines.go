package statefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// maxLine is the maximum length of a journal line in bytes. Only a checkpoint comes near it, and has a limit of
	// its own.
	maxLine = 1 << 20
	// maxCheckpoint is the maximum length of a checkpoint: 2,000 bytes for each of 100,000 jobs, with a margin.
	maxCheckpoint = 256 << 20
)

var checkpointHead = []byte(`{"kind":"checkpoint",`)

var (
	errTooLong = errors.New("the line is too long")
	errEnd     = errors.New("the last line does not end with a newline")
)

// lines reads the complete lines of a journal file: those with a newline, and a last line that lacks only its
// newline. It skips a line that repeats the whole line before it, byte for byte.
type lines struct {
	r        *bufio.Reader
	line     []byte // includes its newline; valid until the next call
	bad      error  // why this line is unreadable; nil: it is readable
	number   int    // number of the line, from 1
	size     int    // size of the line in the file
	end      int64  // offset after the line
	torn     bool   // part of a line follows the last complete line
	unended  bool   // the last line lacks its newline
	failed   error  // error of the reader
	long     []byte // holds lines that do not fit into the reader
	previous []byte // the last line that was not damaged
	damaged  bool   // entry found the current line damaged
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next finds the next line. It returns false at the end of the file.
func (l *lines) next() bool {
	for {
		// Only a good line can be repeated. A repair leaves out damaged lines between two equal lines, and reading
		// its result must give the same facts as reading the original.
		if l.bad == nil && !l.damaged && len(l.line) > 0 {
			l.previous = append(l.previous[:0], l.line[:min(len(l.line), maxLine)]...)
		}
		if !l.read() {
			return false
		}
		if l.bad != nil || !bytes.Equal(l.line, l.previous) {
			return true
		}
	}
}

func (l *lines) read() bool {
	l.line, l.bad, l.damaged, l.long = nil, nil, false, l.long[:0]
	for size := 0; ; {
		part, err := l.r.ReadSlice('\n')
		size += len(part)
		switch {
		case l.bad != nil:
		case size > l.limit(part):
			l.bad = errTooLong
		case err == nil && len(l.long) == 0:
			l.line = part
		default:
			l.long = append(l.long, part...)
			l.line = l.long
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return l.settle(size, err)
	}
}

// limit returns the maximum length of the line that is in l.long or begins with part.
func (l *lines) limit(part []byte) int {
	if bytes.HasPrefix(l.long, checkpointHead) || len(l.long) == 0 && bytes.HasPrefix(part, checkpointHead) {
		return maxCheckpoint
	}
	return maxLine
}

// settle decides what to do with the bytes up to a newline or the end of the file.
func (l *lines) settle(size int, err error) bool {
	if err != nil && err != io.EOF {
		l.failed = err
	}
	if err != nil && !l.unfinished(size) {
		l.torn = size > 0
		return false
	}
	l.number++
	l.size = size
	l.end += int64(size)
	if l.bad != nil {
		l.line = nil
	}
	return true
}

// unfinished reports whether bytes at the end of the file without a newline count as a line. A crash during a write
// leaves the front of a line. That is no damage, because nothing relied on it yet. A line that lacks only its newline
// counts as a good line. Anything else was not written by this program, and is damage: it is longer than any line,
// has bytes that no line has, or something follows its checksum.
func (l *lines) unfinished(size int) bool {
	switch _, err := verified(l.line); {
	case size == 0 || l.failed != nil:
		return false
	case l.bad != nil:
	case err == nil:
		l.unended = true
		l.line = append(slices.Clip(l.line), '\n')
	case pastChecksum(l.line) || bytes.ContainsFunc(l.line, func(r rune) bool { return r < ' ' }):
		l.bad = errEnd
	default:
		return false
	}
	return true
}

// entry verifies and decodes the line. It checks the version of a checkpoint before anything else in it.
func (l *lines) entry() (Entry, error) {
	e, err := l.decode()
	if l.damaged = err != nil; l.damaged {
		return Entry{}, fmt.Errorf("line %d: %w", l.number, err)
	}
	return e, nil
}

func (l *lines) decode() (Entry, error) {
	if l.bad != nil {
		return Entry{}, l.bad
	}
	if bytes.HasPrefix(l.line, checkpointHead) {
		if err := checkVersion(l.line); err != nil {
			return Entry{}, err
		}
	}
	if _, err := verified(l.line); err != nil {
		return Entry{}, err
	}
	return decodeEntry(l.line)
}

// orders returns the number of orders up to this line, if the line has it.
func (l *lines) orders() (uint64, bool) { return ordersOf(l.line) }
