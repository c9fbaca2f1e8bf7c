package recorder

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The arena is memory that outlives the recorder: the daemon keeps a descriptor of it, and the next recorder maps it
// again. It has what a recorder took out of the pipes and did not write yet:
//
//   - what it is reading from a pipe;
//   - the write to a log that is being done, so that the next recorder completes it;
//   - a slot for each run, with its unfinished line.
//
// One atomic store makes each change valid. So a kill at any instant leaves the old content or the new, and no output
// is lost or written twice.
type arena struct {
	fd    int
	mem   []byte
	slots map[uint64]int // by run
	free  []int
	held  int // bytes in unfinished lines
	area  int // where a read puts its bytes now, see [server.takeOver]
}

const (
	magic     = 0x6a6f627364 // "jobsd"
	pageSize  = 4096
	writeSize = 2 * pageSize
	maxSlots  = 1 << 16
	slotSize  = 96
	roomSize  = pageSize

	readSize = 64 << 10 // a pipe holds so much
	inputAt  = pageSize + 2*writeSize
	// textAt is where text is made. There is room for what one read and an unfinished line become when each byte is a
	// line with a timestamp and a label.
	textAt   = inputAt + pageSize + readSize
	textSize = 6 << 20
	slotsAt  = textAt + textSize
	// The rooms for unfinished lines are not between the slots, because most runs need none: memory that nothing
	// touches costs nothing.
	roomsAt   = slotsAt + maxSlots*slotSize
	areasAt   = roomsAt + maxSlots*roomSize // more areas like that at inputAt
	areaSize  = pageSize + readSize
	maxAreas  = 64
	arenaSize = areasAt + (maxAreas-1)*areaSize

	maxUnfinished = roomSize // bytes of one line
	maxHeld       = 16 << 20 // bytes of all lines
)

// head is the first page. Two writes follow it.
type head struct {
	magic, version uint64
	valid          uint64 // the write that is being done: 0 none, 1 or 2
	slots          uint64 // slots from this one on were never used
	read           read
}

// read is a read of n bytes from the pipe of a run. The bytes were there a moment ago, so the read brings all of them,
// unless a process of the run reads from its own pipe. It is done if the canary at the end of the input is gone.
type read struct {
	slot   uint64 // the run's, plus 1; 0: no read
	n      int64
	length int64 // of the slot's unfinished line before the read
	canary [32]byte
	area   int64
}

// write is a write of text to a log. The text is the part of the arena from off to end. Of it, the part before next
// goes to one file, in which it begins at the byte at.
type write struct {
	writeHead
	path [pathSize]byte
}

// writeHead is a write without the path, of which most bytes are of no use.
type writeHead struct {
	off, next, end int64
	inode          uint64
	at             int64

	maxSize, keep int64  // of the log
	slot          uint64 // the run's, plus 1; 0: it is a marker between runs
	first, last   uint64 // 1: it is the start marker of the run, or has its end marker
	mixed         uint64 // 1: from the start marker on, the lines of the run have a label
	bytes         int64  // output of the run when this is done
	rest, restLen int64  // the unfinished line for the slot, a part of the arena
	line          int64  // bytes of an unfinished line that are in the log when this is done

	afterInode uint64 // the text continues the unfinished line at the end of this file; 0: it begins a line
	after      int64  // where that line ends

	pathLen uint64
}

// slot is the part of the arena that belongs to a run. Its unfinished line has a room of its own.
type slot struct {
	run    uint64 // 0: free
	inode  uint64 // of the file that has the start marker; 0: it is not written yet
	at     int64  // where the start marker begins
	end    uint64 // inode of the file that has the end marker; 0: it is not written yet
	endAt  int64  // where the end marker ends
	bytes  int64  // of output that is in the log
	line   int64  // bytes of the unfinished line that are already in the log
	lineIn uint64 // inode of the file that has them
	lineAt int64  // where they end
	mixed  uint64 // inode of the file from which on lines have a label, because others stand between them; 0: none has
	from   int64  // where in that file
	length int64  // bytes of the unfinished line that are in the room
}

// pathSize is the size of the longest path that the kernel accepts, with its terminating zero.
const pathSize = 4096

// openArena maps the memory in fd. It keeps what an earlier recorder left there.
func openArena(fd int) (*arena, error) {
	if err := unix.Ftruncate(fd, arenaSize); err != nil {
		return nil, fmt.Errorf("cannot size the memory of the recorder: %w", err)
	}
	mem, err := unix.Mmap(fd, 0, arenaSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("cannot map the memory of the recorder: %w", err)
	}
	a := &arena{fd: fd, mem: mem, slots: map[uint64]int{}}
	switch h := a.head(); {
	case h.magic == 0:
		h.version = Version
		h.magic = magic
	case h.magic != magic || h.version != Version:
		return nil, errors.New("the memory of the recorder is of another version")
	}
	for n := range int(a.head().slots) {
		if s := a.slot(n); s.run == 0 {
			a.free = append(a.free, n)
		} else {
			a.slots[s.run] = n
			a.held += int(s.length)
		}
	}
	return a, nil
}

// They fit.
var (
	_ [slotSize - unsafe.Sizeof(slot{})]byte
	_ [writeSize - unsafe.Sizeof(write{})]byte
	_ [pageSize - unsafe.Sizeof(head{})]byte
)

func (a *arena) head() *head { return (*head)(unsafe.Pointer(&a.mem[0])) }

func (a *arena) slot(n int) *slot { return (*slot)(unsafe.Pointer(&a.mem[slotsAt+n*slotSize])) }

func (a *arena) writeNumber(n uint64) *write {
	return (*write)(unsafe.Pointer(&a.mem[pageSize+(n-1)*writeSize]))
}

// take returns the slot of a run: the one that an earlier recorder left, or a new one. It returns -1 if there is none.
func (a *arena) take(run uint64) int { return a.takeWith(slot{run: run}, nil) }

// takeWith does the same, and a new slot begins with what first and its unfinished line say.
func (a *arena) takeWith(first slot, line []byte) int {
	run := first.run
	if n, ok := a.slots[run]; ok {
		return n
	}
	n := len(a.free) - 1
	switch {
	case n >= 0:
		n, a.free = a.free[n], a.free[:n]
	case a.head().slots < maxSlots:
		n = int(a.head().slots)
		a.head().slots++
	default:
		return -1
	}
	line = line[:min(len(line), roomSize)]
	first.run, first.length = 0, int64(copy(a.room(n), line))
	*a.slot(n) = first
	step("taking")
	atomic.StoreUint64(&a.slot(n).run, run)
	step("taken")
	a.held += len(line)
	a.slots[run] = n
	return n
}

// keepOnly frees the slots of runs that nobody has any more.
func (a *arena) keepOnly(known func(run uint64) bool) {
	for run, n := range a.slots {
		if w := a.current(); !known(run) && (w == nil || w.slot != uint64(n)+1) {
			a.give(n)
		}
	}
}

// mix notes from where on the lines of a run have a label.
func (s *slot) mix(inode uint64, at int64) {
	s.from = at
	step("mixing")
	atomic.StoreUint64(&s.mixed, inode)
	step("mixed")
}

// give frees the slot of a run.
func (a *arena) give(n int) {
	s := a.slot(n)
	a.held -= int(s.length)
	delete(a.slots, s.run)
	atomic.StoreUint64(&s.run, 0)
	step("given")
	a.free = append(a.free, n)
}

// unfinished returns the unfinished line of a slot.
func (a *arena) unfinished(n int) []byte {
	return a.room(n)[:a.slot(n).length]
}

func (a *arena) room(n int) []byte { return a.mem[roomsAt+n*roomSize:][:roomSize] }

// lengthen adds text to the unfinished line of a slot, which must have room for it.
func (a *arena) lengthen(n int, text []byte) {
	s := a.slot(n)
	copy(a.room(n)[s.length:], text)
	a.held += len(text)
	step("lengthening")
	atomic.AddInt64(&s.length, int64(len(text)))
	step("lengthened")
}

// input is where a read puts its bytes. An unfinished line can stand in front.
func (a *arena) input(n int) []byte { return a.mem[a.inputOffset():][:n:n] }

func (a *arena) inputOffset() int {
	if a.area == 0 {
		return inputAt + pageSize
	}
	return areasAt + (a.area-1)*areaSize + pageSize
}

// expect says that the run of a slot is about to be read.
func (a *arena) expect(slot, n int) {
	r := &a.head().read
	rand.Read(r.canary[:])
	for i := range r.canary {
		r.canary[i] |= 0xf8 // no text has such a byte, so even one byte of output differs from it
	}
	r.n, r.length, r.area = int64(n), a.slot(slot).length, int64(a.area)
	in := a.input(n)
	copy(in[n-min(n, len(r.canary)):], r.canary[:])
	step("expecting")
	atomic.StoreUint64(&r.slot, uint64(slot)+1)
	step("expected")
}

// got says that what was read is where it belongs: in a write or in its slot.
func (a *arena) got() {
	atomic.StoreUint64(&a.head().read.slot, 0)
	step("got")
}

// step is called after each change that a kill can follow. A test ends the recorder there.
var step = func(string) {}

// salvage returns the run that an earlier recorder read last and the number of bytes in the input, if that recorder did
// nothing with them. What is left of the canary shows how much a read brought of which a process of the run took a part
// away. Fewer than proof bytes prove nothing: output may end with them by accident.
func (a *arena) salvage() (run uint64, n int) {
	r := a.head().read
	if r.slot == 0 || a.current() != nil {
		a.got()
		return 0, 0
	}
	const proof = 8
	a.area = int(r.area)
	s := a.slot(int(r.slot - 1))
	in := a.input(int(r.n))
	canary := r.canary[:min(len(in), len(r.canary))]
	left := 0
	for left < len(canary) && in[len(in)-1-left] == canary[len(canary)-1-left] {
		left++
	}
	if s.length != r.length || left == len(canary) {
		a.got()
		return 0, 0
	}
	if left >= proof {
		return s.run, len(in) - left
	}
	return s.run, len(in)
}

// current returns the write that is being done, nil if there is none.
func (a *arena) current() *write {
	if n := a.head().valid; n > 0 {
		return a.writeNumber(n)
	}
	return nil
}

// begin makes w the write that is being done.
func (a *arena) begin(w *write) {
	n := 3 - max(a.head().valid, 1) // the other one
	to := a.writeNumber(n)
	to.writeHead = w.writeHead
	copy(to.path[:], w.path[:w.pathLen])
	step("beginning")
	atomic.StoreUint64(&a.head().valid, n)
	step("begun")
}

// done says that the current write is complete. All that it changes in the slot can be repeated. What was read is in the
// write, so that is said first: otherwise the next recorder could write it again.
func (a *arena) done() {
	w := a.current()
	if w.slot > 0 {
		n := int(w.slot - 1)
		s := a.slot(n)
		end := w.at + w.next - w.off
		if w.first > 0 {
			s.inode, s.at = w.inode, w.at
		}
		if w.mixed > 0 {
			s.mixed, s.from = w.inode, w.at
		}
		step("marked")
		if w.last > 0 {
			s.end, s.endAt = w.inode, end
		}
		step("ended")
		a.held += int(w.restLen - s.length)
		copy(a.room(n), a.mem[w.rest:w.rest+w.restLen])
		step("kept")
		s.length, s.bytes = w.restLen, w.bytes
		step("counted")
		if s.line, s.lineIn, s.lineAt = w.line, 0, 0; w.line > 0 {
			s.lineIn, s.lineAt = w.inode, end
		}
		step("lined")
	}
	a.got()
	atomic.StoreUint64(&a.head().valid, 0)
	step("done")
}

// offset returns where in the arena a part of it begins.
func (a *arena) offset(part []byte) int64 {
	return int64(uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(&a.mem[0])))
}
