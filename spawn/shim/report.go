package shim

import (
	"strconv"
	"syscall"
)

const (
	reportFD   = 3   // the shim's end of the handshake's pipe
	ExitFailed = 111 // exit code of a shim that could not become the program
)

// Ready is what a shim writes before exec. After it comes the end of the stream or a report.
const Ready = '+'

// Fail reports an error, the last thing that a shim writes, and ends the process.
func Fail(stage string, errno syscall.Errno, path, detail string) {
	write([]byte(stage + "\x00" + strconv.Itoa(int(errno)) + "\x00" + path + "\x00" + detail + "\x00"))
	syscall.Exit(ExitFailed) // not os.Exit, because nothing may run at exit
}

func fail(stage string, err error, path string) {
	errno, known := err.(syscall.Errno)
	if !known {
		errno = syscall.EINVAL // a string with a NUL
	}
	Fail(stage, errno, path, "")
}

// Report returns the parts of a complete report.
func Report(b []byte) (stage string, errno syscall.Errno, path, detail string, ok bool) {
	parts := split(string(b), 0)
	if len(parts) != 5 || parts[0] == "" || parts[4] != "" {
		return "", 0, "", "", false
	}
	number, err := strconv.Atoi(parts[1])
	return parts[0], syscall.Errno(number), parts[2], parts[3], err == nil
}

func write(b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(reportFD, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return // the daemon has ended or closed its end, so nothing reads the report
		}
		b = b[n:]
	}
}
