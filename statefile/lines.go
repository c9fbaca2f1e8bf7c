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
	// maxLine is how long a line of the journal may be, in bytes. None comes near it but a checkpoint.
	maxLine = 1 << 20
	// maxCheckpoint is how long a checkpoint may be: 2,000 bytes for each of 100,000 jobs.
	maxCheckpoint = 256 << 20
)

var checkpointHead = []byte(`{"kind":"checkpoint",`)

var (
	errTooLong = errors.New("the line is too long")
	errEnd     = errors.New("the last line has another end than a newline")
)

// lines reads the whole lines of a journal file: those with a newline, and a last one that lacks only that. A line that
// repeats the whole line before it, byte for byte, is passed over.
type lines struct {
	r       *bufio.Reader
	line    []byte // with its newline; valid until the next call
	bad     error  // nil, or why there is no line here
	number  int    // of the line, from 1
	size    int    // of the line in the file
	end     int64  // offset past the line
	plain   bool   // the file is of a version whose lines have no checksums
	torn    bool   // there is something after the last whole line
	unended bool   // the last line lacks its newline
	failed  error  // of the reader
	long    []byte // keeps lines that the reader cannot hold
	before  []byte // the last line that was not found damaged
	damaged bool   // entry found this one damaged
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next finds the next line. It returns false at the end of the file.
func (l *lines) next() bool {
	for {
		// Only a whole line can be repeated: a repair leaves out the damaged ones between two that are the same, and
		// what it writes must come to the same facts as what it reads.
		if l.bad == nil && !l.damaged && len(l.line) > 0 {
			l.before = append(l.before[:0], l.line[:min(len(l.line), maxLine)]...)
		}
		if !l.read() {
			return false
		}
		if l.number == 1 {
			l.plain = isPlain(l.line)
		}
		if l.bad != nil || !bytes.Equal(l.line, l.before) {
			return true
		}
	}
}

// isPlain tells whether a file that begins with this line has no checksums.
func isPlain(first []byte) bool {
	if !bytes.HasPrefix(first, checkpointHead) {
		return false
	}
	version, err := versionOf(first)
	return err == nil && version <= versionPlain
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

// limit is how long the line may be that is in l.long, or begins with part.
func (l *lines) limit(part []byte) int {
	if bytes.HasPrefix(l.long, checkpointHead) || len(l.long) == 0 && bytes.HasPrefix(part, checkpointHead) {
		return maxCheckpoint
	}
	return maxLine
}

// settle decides what was read up to a newline or the end of the file.
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

// unfinished tells whether what stands at the end of the file, without a newline, counts as a line. A crash in the middle
// of a write leaves the front of a line, which is no damage: nothing has relied on it yet. A line that lacks nothing but
// its newline is taken for what it is. Anything else was not written here: it is longer than any line, has bytes that no
// line has, or something follows what ends a line.
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

// entry verifies and decodes the line. The version of a checkpoint is judged before anything else of it.
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
	if _, err := verified(l.line); err != nil && !(l.plain && err == errNoChecksum) {
		return Entry{}, err
	}
	return decodeEntry(l.line)
}

// orders returns how many lines that count as orders there were up to this one, if it says so.
func (l *lines) orders() (uint64, bool) { return ordersOf(l.line) }
