package shim

import (
	"strconv"
	"syscall"
)

const (
	ReportFD   = 3   // the shim's end of the handshake's pipe
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

// Raw returns a report for code that cannot print a number: it stores the error in the byte at RawErrno.
func Raw(stage, path string) string { return stage + "\x00#?\x00" + path + "\x00\x00" }

// RawErrno returns where the error is in a raw report.
func RawErrno(stage string) uint64 { return uint64(len(stage) + len("\x00#")) }

// Report returns the parts of a complete report.
func Report(b []byte) (stage string, errno syscall.Errno, path, detail string, ok bool) {
	parts := split(string(b), 0)
	if len(parts) != 5 || parts[0] == "" || parts[4] != "" {
		return "", 0, "", "", false
	}
	number, err := strconv.Atoi(parts[1])
	if raw := parts[1]; len(raw) == 2 && raw[0] == '#' {
		number, err = int(raw[1]), nil
	}
	return parts[0], syscall.Errno(number), parts[2], parts[3], err == nil
}

func write(b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(ReportFD, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return // the daemon has ended or closed its end, so nothing reads the report
		}
		b = b[n:]
	}
}
