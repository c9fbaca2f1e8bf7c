//go:build amd64 || arm64

package signals

import "syscall"

// Mute makes the kernel drop the signals of children that end, until the function that it returns is called. Then the
// caller must look for such children. A loop that starts a thousand children has no use for a thousand signals, each of
// which costs several wake-ups of threads on its way through the runtime.
//
// The default action of CHLD is to do nothing, so the kernel wakes no thread. Unlike an ignored CHLD, it keeps the status
// of the children.
func Mute() (unmute func()) {
	caught, err := getAction(syscall.SIGCHLD)
	if err != nil || setAction(syscall.SIGCHLD, &sigaction{}) != nil {
		return func() {}
	}
	return func() { setAction(syscall.SIGCHLD, &caught) }
}
