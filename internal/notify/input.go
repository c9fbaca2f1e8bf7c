package notify

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"jobsd/spawn"
)

// newInput returns the standard input of a command, a file without a name that already has the whole text. With a pipe,
// a mailer would take the part that it has for the whole mail, and send it, if this process was killed in between.
func newInput(u *spawn.Credential, text []byte) (fd int, err error) {
	if fd, err = newMemory(); err == nil {
		err = fill(fd, text)
	}
	if err != nil {
		closeFD(&fd)
		return -1, fmt.Errorf("cannot keep the input of a command: %w", err)
	}
	giveAway(fd, u)
	return fd, nil
}

// fill writes the text to a file, and leaves the position in the file at its beginning.
func fill(fd int, text []byte) error {
	for at := 0; at < len(text); {
		n, err := unix.Pwrite(fd, text[at:], int64(at))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("write", err)
		case n == 0:
			return io.ErrShortWrite
		}
		at += n
	}
	return nil
}
