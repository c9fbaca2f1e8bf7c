package runner

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// tellSystemd sends one sd_notify(3) message if the service manager asked for them. It does not wait for one that does
// not read.
func tellSystemd(text string) error {
	path := os.Getenv("NOTIFY_SOCKET") // @ in front: an abstract one
	if path == "" {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err == nil {
		defer unix.Close(fd)
		unix.CloseOnExec(fd) // only the loop forks, and it is here
		err = unix.SetNonblock(fd, true)
	}
	if err == nil {
		err = unix.Sendto(fd, []byte(text), 0, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		return fmt.Errorf("cannot send %q to the service manager: %w", text, err)
	}
	return nil
}

// heartbeat is due while the service manager watches over the daemon.
type heartbeat struct{}

// watchdog returns how often the service manager is to hear that the loop turns: twice in the time that
// sd_watchdog_enabled(3) tells. 0: never.
func watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 || micros > int64(24*time.Hour/time.Microsecond) {
		return 0
	}
	return time.Duration(micros) * time.Microsecond / 2
}
