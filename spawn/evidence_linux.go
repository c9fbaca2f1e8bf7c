package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"jobsd/internal/durable"
)

// Evidence is memory that outlives the daemon, but not the machine. It says how far the start of each run has come. So a
// later daemon of the same boot can start a run whose intent is in the journal and that was certainly never forked. The
// memory is a file on a tmpfs, mapped into the daemon: a store to it waits for no disk, and a daemon that is killed
// between two instructions leaves behind what it has stored. On other file systems a store can wait for the disk.
//
// A nil Evidence proves nothing.
type Evidence struct {
	file *os.File
	mem  []byte
}

// The file has a header and the slots. It belongs to one state directory in one boot of the machine, because only there
// does a number name a run. A daemon continues with the file of the previous one.
type evidenceHead struct {
	magic uint64
	id    [64]byte  // of the state directory
	boot  [128]byte // of the machine
}

type evidenceSlot struct {
	run          uint64 // the number of the run, and its stage in the two lowest bits
	pid          uint64
	inode, start uint64 // as in Process
	usage        usage  // of its leaf before the fork
	_            [2]uint64
}

// The stages of a slot. At slotForking, the process is being made.
const (
	slotUnforked = 1 + iota
	slotForking
	slotForked
)

const (
	evidenceMagic = 0x32736b726f66 // "forks2"
	evidenceHeads = 4096           // bytes in front of the slots
	evidenceSize  = evidenceHeads + slots*int(unsafe.Sizeof(evidenceSlot{}))
)

var _ [evidenceHeads - unsafe.Sizeof(evidenceHead{})]byte // it fits

// OpenEvidence opens the evidence of a state directory in the run directory, or makes it. If that is impossible, it
// returns an error that says why. The caller has locked the state directory.
func OpenEvidence(dir, id, boot string) (*Evidence, error) {
	e, err := openEvidence(dir, id, boot)
	if err != nil {
		return nil, fmt.Errorf("cannot keep evidence of starts: %w", err)
	}
	return e, nil
}

// ErrNotInMemory means that the run directory is on a disk.
var ErrNotInMemory = errors.New("the run directory is not on a tmpfs")

func openEvidence(dir, id, boot string) (*Evidence, error) {
	if in, err := durable.InMemory(dir); err != nil {
		return nil, err
	} else if !in {
		return nil, ErrNotInMemory
	}
	head := evidenceHead{magic: evidenceMagic}
	if len(id) > len(head.id) || len(boot) > len(head.boot) {
		return nil, errors.New("the id of the boot is too long")
	}
	copy(head.id[:], id)
	copy(head.boot[:], boot)
	path := filepath.Join(dir, "starts-"+id)
	if e, err := mapEvidence(path); err == nil {
		if *e.head() == head {
			return e, nil
		}
		e.Close()
	}
	if err := makeEvidence(path, &head); err != nil {
		return nil, err
	}
	return mapEvidence(path)
}

// makeEvidence replaces the file by a new one. All its pages are written, so that later stores need no room on the tmpfs.
func makeEvidence(path string, head *evidenceHead) error {
	content := make([]byte, evidenceSize)
	*(*evidenceHead)(unsafe.Pointer(&content[0])) = *head
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o600), f.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		os.Remove(next)
	}
	return err
}

// mapEvidence maps an existing file that only the daemon's user and root can have written.
func mapEvidence(path string) (*Evidence, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	err = unix.Fstat(int(f.Fd()), &st)
	if err == nil && (st.Mode != unix.S_IFREG|0o600 || int(st.Uid) != unix.Geteuid() || st.Size != int64(evidenceSize)) {
		err = errors.New("it is not a file of this daemon")
	}
	e := &Evidence{file: f}
	if err == nil {
		e.mem, err = unix.Mmap(int(f.Fd()), 0, evidenceSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	}
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "map", Path: path, Err: err}
	}
	return e, nil
}

// Close unmaps the evidence. The file stays for the next daemon.
func (e *Evidence) Close() {
	if e != nil {
		unix.Munmap(e.mem)
		e.file.Close()
		e.mem = nil
	}
}

// Lost reports whether later daemons cannot find what is stored here: the file was removed, replaced or made shorter.
func (e *Evidence) Lost() bool {
	if e == nil {
		return false
	}
	var st unix.Stat_t
	return e.mem == nil || unix.Fstat(int(e.file.Fd()), &st) != nil || st.Nlink == 0
}

func (e *Evidence) head() *evidenceHead { return (*evidenceHead)(unsafe.Pointer(&e.mem[0])) }

func (e *Evidence) slot(run uint64) *evidenceSlot {
	return (*evidenceSlot)(unsafe.Pointer(&e.mem[evidenceHeads+run%slots*uint64(unsafe.Sizeof(evidenceSlot{}))]))
}

// Unforked says that a run has no process, and that it gets one only after this daemon has said so.
func (e *Evidence) Unforked(run uint64) { e.store(run, slotUnforked, nil, nil) }

// forking comes just before the fork, and forked just after it. The usage is that of the leaf before the fork.
func (e *Evidence) forking(run uint64, u usage)   { e.store(run, slotForking, nil, &u) }
func (e *Evidence) forked(run uint64, p *Process) { e.store(run, slotForked, p, nil) }

// store sets the stage of a run. The last store makes it valid. If root has made the file shorter, the store faults: then
// the daemon continues without evidence, and what is left of the file proves nothing.
func (e *Evidence) store(run, stage uint64, p *Process, u *usage) {
	if e == nil || e.mem == nil || run == 0 {
		return
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			e.mem = nil
			e.file.Truncate(0)
		}
	}()
	s := e.slot(run)
	if u != nil {
		s.usage = *u
	}
	if p != nil {
		atomic.StoreUint64(&s.pid, uint64(p.PID))
		atomic.StoreUint64(&s.inode, p.Inode)
		atomic.StoreUint64(&s.start, p.Start)
	}
	atomic.StoreUint64(&s.run, run<<2|stage)
}

// Of returns how far the start of a run had come when the previous daemon ended, and its process if it was forked. The
// leaf of the run, if it has one, tells what happened in between. The process of a run without a leaf may be alive: look
// for it if the stage is Unknown.
func (e *Evidence) Of(run uint64, leaf string) (Stage, Process) {
	none := Process{FD: -1}
	if e == nil || e.mem == nil {
		return Unknown, none
	}
	switch s := e.slot(run); atomic.LoadUint64(&s.run) {
	case run<<2 | slotUnforked:
		return Unforked, none
	case run<<2 | slotForked:
		return Forked, Process{PID: int(s.pid), FD: -1, Inode: s.inode, Start: s.start}
	case run<<2 | slotForking:
		stage := s.usage.since(leaf)
		switch stage { // soon the leaf is removed, and this daemon may be killed, too
		case Unforked:
			e.Unforked(run)
		case Forked:
			e.forked(run, &none)
		}
		return stage, none
	}
	return Unknown, none
}
