package runner

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// notifySystemd sends one sd_notify(3) message if the service manager asked for them. It does not wait if the manager
// does not read.
func notifySystemd(text string) error {
	path := os.Getenv("NOTIFY_SOCKET") // @ in front: an abstract address
	if path == "" {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err == nil {
		defer unix.Close(fd)
		unix.CloseOnExec(fd) // no fork can come in between, because only the loop forks
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

// keepalive says when to report to the service manager that the loop is alive.
type keepalive struct{ every, next time.Duration } // every 0: the manager does not watch

func newKeepalive(now time.Duration) keepalive {
	every := watchdog()
	return keepalive{every, now + every}
}

// wait returns how long until the next report, or a negative time if there is none.
func (h *keepalive) wait(now time.Duration) time.Duration {
	if h.every == 0 {
		return -1
	}
	return max(0, h.next-now)
}

// due reports whether to report now. Reports that are late are not made up for.
func (h *keepalive) due(now time.Duration) bool {
	if h.every == 0 || now < h.next {
		return false
	}
	h.next = now + h.every
	return true
}

// watchdog returns how often to report to the service manager that the loop is alive: twice in the time from
// sd_watchdog_enabled(3). It returns 0 if the manager does not watch.
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
