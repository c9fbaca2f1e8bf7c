package statefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxLine is how long a line of the journal may be, in bytes. None comes near it but a checkpoint.
	maxLine = 1 << 20
	// maxCheckpoint is how long a checkpoint may be: 2,000 bytes for each of 100,000 jobs.
	maxCheckpoint = 256 << 20
)

var checkpointHead = []byte(`{"kind":"checkpoint",`)

var errTooLong = errors.New("the line is too long")

// lines reads the whole lines of a journal file: those with a newline. A line that repeats the one before it, byte for
// byte, is passed over.
type lines struct {
	r      *bufio.Reader
	line   []byte // with its newline; valid until the next call
	bad    error  // nil, or why there is no line here
	number int    // of the line, from 1
	end    int64  // offset past the line
	torn   bool   // there is something after the last whole line
	failed error  // of the reader
	long   []byte // keeps lines that the reader cannot hold
	before []byte
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next finds the next line. It returns false at the end of the file.
func (l *lines) next() bool {
	for l.read() {
		if l.bad != nil || !bytes.Equal(l.line, l.before) {
			l.before = append(l.before[:0], l.line[:min(len(l.line), maxLine)]...)
			return true
		}
	}
	return false
}

func (l *lines) read() bool {
	l.line, l.bad, l.long = nil, nil, l.long[:0]
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

// settle decides what was read up to a newline or the end of the file. What has no newline is a torn line, unless it is
// longer than any that was begun here.
func (l *lines) settle(size int, err error) bool {
	if err != nil && err != io.EOF {
		l.failed = err
	}
	if err != nil && l.bad == nil {
		l.torn = size > 0
		return false
	}
	l.number++
	l.end += int64(size)
	if l.bad != nil {
		l.line = nil
	}
	return true
}

// entry decodes the line.
func (l *lines) entry() (Entry, error) {
	if l.bad != nil {
		return Entry{}, l.bad
	}
	e, err := decodeEntry(l.line)
	if err != nil {
		return Entry{}, fmt.Errorf("line %d: %w", l.number, err)
	}
	return e, nil
}
