package test

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func nest(cmd []string) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGCHLD)
	if _, err := os.StartProcess(cmd[0], cmd, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}); err != nil {
		panic(err)
	}
	for range ends {
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}

// attack does what an ordinary user is allowed to do, until it is killed.
func attack(how string, args []string) {
	switch how {
	case "grow":
		if err := unix.Ftruncate(1, 1<<40); err != nil {
			panic(err)
		}
		return
	case "hide":
		if _, err := unix.Open(args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			panic(err)
		}
		panic(unix.Exec("/proc/self/exe", []string{"misbehave", "sit"}, os.Environ()))
	case "lease":
		signal.Ignore(syscall.SIGIO) // the signal says that another process wants to open the file
	}
	for {
		switch how {
		case "freeze":
			unix.Kill(-1, unix.SIGSTOP)
		case "lease":
			fd, err := unix.Open(args[0], unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				continue
			}
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
				unix.Close(fd)
				continue
			}
			fmt.Println("leased")
			for lease := unix.F_WRLCK; lease == unix.F_WRLCK && err == nil; {
				unix.Poll(nil, 10)
				lease, err = unix.FcntlInt(uintptr(fd), unix.F_GETLEASE, 0)
			}
			// Now another process waits for the file, until the kernel breaks the lease. Then take a new lease.
			time.Sleep(leaseBreakTime() + time.Second)
			unix.Close(fd)
		case "knock":
			conn, err := net.Dial("unix", args[0])
			if err != nil {
				continue
			}
			conn.Write(make([]byte, 1<<16))
			conn.Close()
		case "repoint":
			for _, target := range []string{"evil.toml", "good.toml"} {
				os.Remove(args[0] + "~")
				os.Symlink(filepath.Join(args[1], target), args[0]+"~")
				os.Rename(args[0]+"~", args[0])
			}
		}
	}
}

// leaseBreakTime returns how long the kernel waits for the holder of a lease before it breaks the lease; see
// proc_sys_fs(5).
func leaseBreakTime() time.Duration {
	text, err := os.ReadFile("/proc/sys/fs/lease-break-time")
	if err != nil {
		panic(err)
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		panic(err)
	}
	return time.Duration(seconds) * time.Second
}
