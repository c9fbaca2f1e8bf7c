package spawn

import (
	"syscall"
	"testing"

	"jobsd/internal/fusetest"
)

func init() { helpers["hide"] = hide }

// hide becomes sleep(1) with an open file that the kernel closes in the middle of the exec.
func hide(args []string) {
	_, err := syscall.Open(args[0], syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	must(err)
	must(syscall.Exec("/bin/sleep", []string{"sleep", "1000"}, []string{TagName + "=" + args[1]}))
}

// startHidden starts n processes that stay in the middle of an exec until the test ends. The kernel does not show
// their environment to any process.
func startHidden(t *testing.T, n int, tag string) (hidden []Process) {
	t.Helper()
	file, flushes, release := fusetest.HangOnClose(t)
	for range n {
		hidden = append(hidden, mustLaunch(t, helper("hide", file, tag), true))
	}
	t.Cleanup(release) // before they are killed
	for range n {
		<-flushes
	}
	return hidden
}
