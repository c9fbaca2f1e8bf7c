package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// outlet writes lines to standard output. It is a goroutine of its own, because standard output may block. A reader that
// is slow slows the runs down. A reader that takes nothing for a moment stops no run: from then on, lines for which there
// is no room are dropped and counted.
type outlet struct {
	fd    int // standard output; -1: it is the log file at path, which somebody may rename at any time
	path  string
	group int             // of that file
	after <-chan struct{} // closed when the outlet before this one is done; nil: there was none
	done  chan struct{}

	mu      sync.Mutex
	more    *sync.Cond    // there are lines, or the outlet is closed
	room    chan struct{} // something was written
	lines   []byte
	writing bool // lines that were taken are being written
	closed  bool
	stalled bool // nobody takes lines
	err     error
	lost    uint64 // lines that nobody has reported
}

const (
	maxWaiting = 1 << 20         // bytes of lines that wait for standard output
	patience   = time.Second     // how long standard output may take to take some of them
	atLeast    = 64 << 10        // bytes that it must take in this time
	onePiece   = 4096            // bytes that a pipe takes whole or not at all, so that a kill tears no line
	lastWait   = 5 * time.Second // how long the end of the recorder waits for standard output
)

var errStalled = errors.New("nobody reads standard output, so output of jobs is dropped there")

// newOutlet returns an outlet to a descriptor, which it owns.
func newOutlet(fd int) *outlet { return &outlet{fd: fd} }

// newFileOutlet returns an outlet to a log file.
func newFileOutlet(path string, group int) *outlet { return &outlet{fd: -1, path: path, group: group} }

// start starts the outlet. If it replaces another one, which may write to the same pipe, it first lets that one write
// its lines, so that all stay in order.
func (o *outlet) start(old *outlet) {
	o.room, o.done = make(chan struct{}, 1), make(chan struct{})
	o.more = sync.NewCond(&o.mu)
	if old != nil {
		o.lost, o.after, o.writing = old.close(), old.done, true
	}
	go o.run()
}

// awaitTurn waits for the outlet before this one, unless that writes to something that nobody reads.
func (o *outlet) awaitTurn() {
	if o.after == nil {
		return
	}
	select {
	case <-o.after:
	case <-time.After(lastWait):
	}
}

// close ends the outlet when all lines are written. It returns how many lines were lost.
func (o *outlet) close() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.more.Signal()
	return o.lost
}

// put adds a line. It waits for room as long as standard output takes lines at all.
func (o *outlet) put(line []byte) {
	for !o.add(line) {
		select {
		case <-o.room:
		case <-time.After(patience):
			o.stall()
		}
	}
}

func (o *outlet) stall() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stalled = true
}

// add reports whether a line is added or dropped. Otherwise it must wait.
func (o *outlet) add(line []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.isStalled():
		o.lost++
	case len(o.lines) > 0 && len(o.lines)+len(line) > maxWaiting:
		return false
	default:
		o.lines = append(o.lines, line...)
		o.more.Signal()
	}
	return true
}

// isStalled reports whether standard output still takes nothing. It takes lines again when there is much room.
func (o *outlet) isStalled() bool {
	o.stalled = o.stalled && len(o.lines) > maxWaiting/2
	return o.stalled
}

func (o *outlet) run() {
	defer close(o.done)
	o.awaitTurn()
	torn := false // the last write ended in the middle of a line
	for text := o.next(); text != nil; text = o.next() {
		front := 0
		if torn {
			text = append([]byte("\n"), text...)
			front = 1
		}
		n, err := o.write(text)
		if n > 0 {
			torn = text[n-1] != '\n'
		}
		o.wrote(text[max(n, front):], err)
	}
	if o.fd >= 0 {
		unix.Close(o.fd)
	}
}

// next waits for lines. It returns nil when the outlet is closed and all lines are written.
func (o *outlet) next() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.wake()
	for len(o.lines) == 0 {
		if o.closed {
			return nil
		}
		o.more.Wait()
	}
	text := o.lines
	o.lines, o.writing = nil, true
	o.wake()
	return text
}

// wrote is the end of a write, of which the rest is lost.
func (o *outlet) wrote(rest []byte, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	o.lost += uint64(bytes.Count(rest, []byte("\n")))
}

// wake wakes whoever waits for room.
func (o *outlet) wake() {
	select {
	case o.room <- struct{}{}:
	default:
	}
}

// write writes as much of a text as it can.
func (o *outlet) write(text []byte) (n int, err error) {
	fd := o.fd
	if fd < 0 {
		f, err := joblog.Open(o.path, o.group)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		fd = f.FD
	}
	said := 0
	for n < len(text) {
		k, err := unix.Write(fd, text[n:n+pieceOf(text[n:])])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN: // somebody else made it non-blocking
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		case err != nil:
			return n, err
		default:
			n += k
			if n-said >= atLeast {
				said = n
				o.wake()
			}
		}
	}
	return n, nil
}

// pieceOf returns how much of a text to write at once: as many whole lines as a pipe takes at once, or a longer line.
func pieceOf(text []byte) int {
	if n := bytes.LastIndexByte(text[:min(onePiece, len(text))], '\n'); n >= 0 {
		return n + 1
	}
	return bytes.IndexByte(text, '\n') + 1
}

// drain waits until all lines are written, unless nobody takes them.
func (o *outlet) drain() {
	for end := time.After(lastWait); !o.drained(); {
		select {
		case <-o.room:
		case <-end:
			return
		}
	}
}

// drained reports whether all lines are written, as far as somebody takes them.
func (o *outlet) drained() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.lines) == 0 && !o.writing || o.isStalled()
}

// trouble returns the number of lines that were lost since the last report, and why lines are lost now, nil if they are
// not. Busy: there may be other trouble soon.
func (o *outlet) trouble() (lost uint64, why error, busy bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		why = fmt.Errorf("cannot write the output of jobs to standard output, so it is lost there: %w", o.err)
	case o.isStalled():
		why = errStalled
	}
	return o.lost, why, o.writing || len(o.lines) > 0
}

// reported says that the loss of some lines is reported.
func (o *outlet) reported(lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost -= lost
}
