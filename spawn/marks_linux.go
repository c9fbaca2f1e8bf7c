package spawn

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	markWait   = 100 * time.Millisecond // how long one process may take to show its environment
	markSettle = time.Second            // after that it counts as a process that hangs, not as one that is slow
	markWindow = 64 << 10               // bytes of an environment that are in memory at once
	mostEnv    = 4 << 20                // bytes of an environment that are looked at

	// mostStuck is how many threads may wait for environments that do not come. Processes that are not our descendants
	// can take up only half of them: any local user can make some.
	mostStuck         = 32
	mostStuckOnOthers = mostStuck / 2
)

// markReader reads the marks of processes. The kernel does not show the environment of a process in the middle of an
// exec, and its user can make that last for ever. The thread that waits for it cannot be interrupted, so it is left
// behind: the reader goes on with another one, and does not ask for that process again until the thread is back.
type markReader struct {
	idle  *markThread
	stuck map[int]*markThread // by the process that each of them waits for
}

// markThread is a goroutine that is blocked in the kernel, and so takes up a thread, for as long as one read takes.
type markThread struct {
	ask    chan int
	answer chan markAnswer // has room for one: a thread that was left behind can always give its answer
	since  time.Time       // when it was left behind
}

type markAnswer struct {
	mark  string
	known bool
}

func newMarkReader() *markReader { return &markReader{stuck: map[int]*markThread{}} }

func newMarkThread() *markThread {
	t := &markThread{ask: make(chan int), answer: make(chan markAnswer, 1)}
	go func() {
		window := make([]byte, markWindow)
		for pid := range t.ask {
			mark, known := readMark(pid, window)
			t.answer <- markAnswer{mark, known}
		}
	}()
	return t
}

// of returns the mark of a process, "" where there is none. False: nobody can tell yet, as the process is gone, or in the
// middle of an exec. Ours says that the process is a descendant of this one.
func (r *markReader) of(pid int, ours bool) (mark string, ok bool) {
	r.collect()
	if t := r.stuck[pid]; t != nil {
		return "", time.Since(t.since) > markSettle
	}
	if len(r.stuck) >= mostStuck || !ours && len(r.stuck) >= mostStuckOnOthers {
		return "", true
	}
	t := r.idle
	if t == nil {
		t = newMarkThread()
	}
	r.idle = nil
	t.ask <- pid
	timer := time.NewTimer(markWait)
	defer timer.Stop()
	select {
	case a := <-t.answer:
		r.idle = t
		return a.mark, a.known
	case <-timer.C:
		t.since = time.Now()
		r.stuck[pid] = t
		return "", false
	}
}

// collect takes back the threads that have come back. Their answers are too old to be used.
func (r *markReader) collect() {
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

// close ends the thread that is not in use. Those that were left behind end when the kernel lets them go.
func (r *markReader) close() {
	if r.idle != nil {
		close(r.idle.ask)
	}
	for _, t := range r.stuck {
		close(t.ask)
	}
}

// readMark reads an environment through a window, so that a large one costs no memory.
func readMark(pid int, window []byte) (mark string, known bool) {
	path := "/proc/" + strconv.Itoa(pid)
	fd, err := unix.Open(path+"/environ", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err == unix.EACCES || err == unix.EPERM // what we may not read is not ours
	}
	defer unix.Close(fd)
	mark, seen, err := scanMark(window, func(b []byte) (int, error) { return unix.Read(fd, b) })
	if seen > 0 || err == unix.EACCES || err == unix.EPERM {
		return mark, true
	}
	fd, err = unix.Open(path+"/cmdline", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	n, _ := unix.Read(fd, window[:1])
	return "", n > 0 // it has no environment: some clear it
}

// scanMark looks for the mark among variables that end in NUL. Seen is how many bytes there were.
func scanMark(window []byte, read func([]byte) (int, error)) (mark string, seen int, err error) {
	prefix := []byte(MarkName + "=")
	held, skip := 0, false // the beginning of a variable that is not complete; the rest of one that is too long for a mark
	for seen < mostEnv {
		n, err := read(window[held:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			if !skip && bytes.HasPrefix(window[:held], prefix) { // the last one needs no NUL
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
