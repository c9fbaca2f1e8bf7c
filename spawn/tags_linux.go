package spawn

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tagWait   = 100 * time.Millisecond // time limit for reading the environment of one process
	tagSettle = time.Second            // after this time a process counts as hanging, not as slow
	tagWindow = 64 << 10               // bytes of an environment in memory at once
	mostEnv   = 4 << 20                // bytes of an environment that are searched

	// mostStuck is the maximum number of threads that wait for environments that do not come. Processes that are not
	// our descendants can block only half of them, because every local user can make such processes.
	mostStuck         = 32
	mostStuckOnOthers = mostStuck / 2
)

// tagReader reads the tags of processes. The kernel does not show the environment of a process in the middle of an
// exec, and its user can make an exec last for ever. The reading thread cannot be interrupted, so the reader abandons
// it and continues with another thread. It does not read that process again until the abandoned thread returns.
type tagReader struct {
	idle  *tagThread
	stuck map[int]*tagThread // abandoned threads, by the pid that each waits for
}

// tagThread is a goroutine that blocks in the kernel for the time of one read, and so occupies a thread.
type tagThread struct {
	ask    chan int
	answer chan tagAnswer // has room for one, so that an abandoned thread can always deliver its answer
	since  time.Time      // when it was abandoned
}

type tagAnswer struct {
	tag   string
	known bool
}

func newTagReader() *tagReader { return &tagReader{stuck: map[int]*tagThread{}} }

func newTagThread() *tagThread {
	t := &tagThread{ask: make(chan int), answer: make(chan tagAnswer, 1)}
	go func() {
		window := make([]byte, tagWindow)
		for pid := range t.ask {
			tag, known := readTag(pid, window)
			t.answer <- tagAnswer{tag, known}
		}
	}()
	return t
}

// of returns the tag of a process, or "" if it has none. It returns false if the tag is unknown for now, because
// the process has ended or is in the middle of an exec. The parameter ours says that the process is a descendant of
// this one.
func (r *tagReader) of(pid int, ours bool) (tag string, ok bool) {
	r.collect()
	if t := r.stuck[pid]; t != nil {
		return "", time.Since(t.since) > tagSettle
	}
	if len(r.stuck) >= mostStuck || !ours && len(r.stuck) >= mostStuckOnOthers {
		return "", true
	}
	t := r.idle
	if t == nil {
		t = newTagThread()
	}
	r.idle = nil
	t.ask <- pid
	timer := time.NewTimer(tagWait)
	defer timer.Stop()
	select {
	case a := <-t.answer:
		r.idle = t
		return a.tag, a.known
	case <-timer.C:
		t.since = time.Now()
		r.stuck[pid] = t
		return "", false
	}
}

// collect takes back the threads that have returned. Their answers are too old to use.
func (r *tagReader) collect() {
	for pid, t := range r.stuck {
		select {
		case <-t.answer:
			delete(r.stuck, pid)
			if r.idle == nil {
				r.idle = t
			} else {
				close(t.ask)
			}
		default:
		}
	}
}

// close ends the idle thread. An abandoned thread ends when the kernel releases it.
func (r *tagReader) close() {
	if r.idle != nil {
		close(r.idle.ask)
	}
	for _, t := range r.stuck {
		close(t.ask)
	}
}

// readTag reads an environment through a window, so that a large environment needs no more memory.
func readTag(pid int, window []byte) (tag string, known bool) {
	path := "/proc/" + strconv.Itoa(pid)
	fd, err := unix.Open(path+"/environ", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err == unix.EACCES || err == unix.EPERM // a process that we may not read is not ours
	}
	defer unix.Close(fd)
	tag, seen, err := scanTag(window, func(b []byte) (int, error) { return unix.Read(fd, b) })
	if seen > 0 || err == unix.EACCES || err == unix.EPERM {
		return tag, true
	}
	fd, err = unix.Open(path+"/cmdline", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	n, _ := unix.Read(fd, window[:1])
	return "", n > 0 // the process has cleared its environment
}

// scanTag looks for the tag among NUL-terminated variables. It also returns how many bytes it has read.
func scanTag(window []byte, read func([]byte) (int, error)) (tag string, seen int, err error) {
	prefix := []byte(TagName + "=")
	held := 0     // length of an incomplete variable at the start of the window
	skip := false // true in the rest of a variable that is too long for a tag
	for seen < mostEnv {
		n, err := read(window[held:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			if !skip && bytes.HasPrefix(window[:held], prefix) { // the last variable needs no NUL
				return string(window[len(prefix):held]), seen, nil
			}
			return "", seen, err
		}
		seen += n
		rest := window[:held+n]
		for {
			variable, after, complete := bytes.Cut(rest, []byte{0})
			if !complete {
				break
			}
			if !skip && bytes.HasPrefix(variable, prefix) {
				return string(variable[len(prefix):]), seen, nil
			}
			rest, skip = after, false
		}
		if len(rest) == len(window) {
			rest, skip = nil, true
		}
		held = copy(window, rest)
	}
	return "", seen, nil
}
