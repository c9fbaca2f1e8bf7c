package notify

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/spawn"
)

// pipe returns a pipe that the user of a command owns, because a program opens its own input and output again by
// /dev/stdin or /dev/stderr only as their owner.
func pipe(u *spawn.Credential) (r, w int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, fmt.Errorf("cannot make a pipe: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	giveAway(fds[1], u)
	return fds[0], fds[1], nil
}

// giveAway makes the user of a command the owner of its input or output. Where that fails, most programs work anyway.
func giveAway(fd int, u *spawn.Credential) {
	if u != nil {
		unix.Fchown(fd, int(u.UID), int(u.GID))
	}
}

// near returns our end of a pipe. Only it is non-blocking: each end has its own flags.
func near(fd int) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	return os.NewFile(uintptr(fd), "pipe"), nil
}

// output is the standard output and standard error of a command.
type output struct {
	theirs int // the write end; -1: closed
	ours   *os.File
	fd     int // of ours
	text   []byte
	ended  chan struct{} // closed when no goroutine reads any more
}

func newOutput(u *spawn.Credential) (*output, error) {
	r, w, err := pipe(u)
	if err != nil {
		return nil, err
	}
	ours, err := near(r)
	return &output{theirs: w, ours: ours, fd: r, ended: make(chan struct{})}, err
}

// read reads until the end or until finish, so that the command never waits. It keeps only the beginning.
func (p *output) read() {
	defer close(p.ended)
	buf := make([]byte, 16<<10)
	for {
		n, err := p.ours.Read(buf)
		p.keep(buf[:n])
		if err != nil {
			return
		}
	}
}

func (p *output) keep(b []byte) { p.text = append(p.text, b[:min(len(b), MaxPrinted-len(p.text))]...) }

// finish returns what was printed until now. It does not wait for the end of the output, because a process in a session
// of its own may keep it open.
func (p *output) finish() []byte {
	p.ours.SetReadDeadline(time.Now())
	<-p.ended
	buf := make([]byte, 16<<10)
	for len(p.text) < MaxPrinted {
		n, err := unix.Read(p.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		p.keep(buf[:n])
	}
	return p.text
}

func (p *output) close() {
	p.ours.Close()
	closeFD(&p.theirs)
}

func closeFD(fd *int) {
	if *fd >= 0 {
		unix.Close(*fd)
		*fd = -1
	}
}
