package recorder

import (
	"time"

	"golang.org/x/sys/unix"
)

// A process without free descriptors loses those that come with a message. So a connection does not receive while only
// few are free, and does not send what the kernel refuses because too many descriptors are on their way. Both pass
// without an event, so who waits for the connection must try again after RestTime.

// RestTime is when to try again.
const RestTime = 20 * time.Millisecond

// reserve is how many descriptors a process needs for its own work, such as writing a log or accepting a connection.
const reserve = 8

// descriptorLimit returns how many descriptors this process may have.
func descriptorLimit() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 1024
	}
	return int(min(uint64(r.Cur), 1<<30)) // the type differs between systems
}

// hasRoom reports whether this process, which may have limit descriptors, has room for one more, which is what comes at
// once, and for its own work.
func (c *Conn) hasRoom(limit int) bool {
	if c.plain {
		return true
	}
	const need = 1 + reserve
	if c.highest+4*need < limit { // a new descriptor gets the lowest free number
		return true
	}
	c.probes = c.probes[:0]
	defer func() {
		for _, fd := range c.probes {
			unix.Close(fd)
		}
	}()
	for range need {
		fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return false
		}
		c.probes = append(c.probes, fd)
	}
	return true
}

// ExpectPlain says that no descriptors will come any more. A daemon without free descriptors must still hear which runs
// are over: that frees some.
func (c *Conn) ExpectPlain() { c.plain = true }

// Resting reports whether the connection can receive or send nothing now, although the socket may be ready.
func (c *Conn) Resting() (in, out bool) { return c.noRoom, c.refused }
