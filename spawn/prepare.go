package spawn

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ownUmask is the umask of the daemon, which a process that is started directly inherits. It is the usual one, so that
// what a job writes has the same modes under every daemon and few jobs need the shim for a mask of their own.
const ownUmask = 0o022

// Prepare makes this process fit to be a parent. It is called once, when the daemon starts, before its first Start, on the
// thread that calls Start.
func Prepare() error {
	closeOnExec()
	unix.Umask(ownUmask)
	defaultSignals()
	joinKeyring() // without one of its own the daemon still works, and jobs of other users get theirs or do not start
	readOOMScore()
	if err := becomeSubreaper(); err != nil {
		return fmt.Errorf("cannot become subreaper: %w", err)
	}
	if err := openNull(); err != nil {
		return fmt.Errorf("cannot open /dev/null: %w", err)
	}
	warmThreads(16)
	openPoller()
	return nil
}

// openPoller has the runtime open the descriptors of its poller, which the first timer needs: later there may be none left,
// and then it aborts the program.
func openPoller() { time.AfterFunc(time.Hour, func() {}).Stop() }

// closeOnExec marks every descriptor but the first three: what our parent forgot to close is not for our children.
func closeOnExec() {
	if closeRangeOnExec() == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

// warmThreads makes the runtime start n threads and keep them. At the limit of processes fork fails with a clean
// EAGAIN, but a runtime that cannot have the thread it wants aborts the program.
func warmThreads(n int) {
	var all, done sync.WaitGroup
	all.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread() // each goroutine has a thread of its own
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait() // until all have theirs
		})
	}
	done.Wait()
}
