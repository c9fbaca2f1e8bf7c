package spawn

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

// ownUmask is the umask of the daemon, which directly started processes inherit. It is the usual umask, so that files
// of a job have the same modes under every daemon, and few jobs need the shim to set a umask.
const ownUmask = 0o022

// Prepare makes this process fit to start children. The daemon calls it once at its start, before the first Start and
// on the thread that calls Start.
func Prepare() error {
	closeOnExec()
	unix.Umask(ownUmask)
	defaultSignals()
	shim.JoinKeyring() // the daemon works without a keyring of its own, and a job of another user does not start without one
	readOOMScore()
	prepareQuick()
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

// openPoller makes the runtime open the descriptors of its poller, which the first timer needs. If no descriptor is
// left later, the runtime aborts the program.
func openPoller() { time.AfterFunc(time.Hour, func() {}).Stop() }

// closeOnExec marks every descriptor except the first three. Children must not inherit descriptors that the daemon's
// parent left open.
func closeOnExec() {
	if closeRangeOnExec() == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}

// warmThreads makes the runtime start n threads and keep them. At the process limit, fork fails with a plain EAGAIN,
// but the runtime aborts the program if it cannot get a new thread.
func warmThreads(n int) {
	var all, done sync.WaitGroup
	all.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread() // each goroutine needs its own thread
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait() // until every goroutine has one
		})
	}
	done.Wait()
}
