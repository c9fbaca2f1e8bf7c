package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// floorRestart keeps a command running: SIGCHLD becomes a byte in a pipe, poll returns, wait4 reaps, ForkExec starts it
// again. A daemon whose loop waits in poll needs at least this.
func floorRestart(cmd []string) {
	var pipe [2]int
	must(unix.Pipe(pipe[:]))
	unix.CloseOnExec(pipe[0])
	unix.CloseOnExec(pipe[1])
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGTERM)
	go func() {
		for s := range signals {
			unix.Write(pipe[1], []byte{byte(s.(syscall.Signal))})
		}
	}()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(err)
	fd := null.Fd()
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{fd, fd, fd}, Sys: &syscall.SysProcAttr{Setsid: true}}
	start := func() int {
		pid, err := syscall.ForkExec(cmd[0], cmd, attr)
		must(err)
		return pid
	}
	child := start()
	for {
		unix.Poll([]unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}, -1)
		var sig [1]byte
		if n, _ := unix.Read(pipe[0], sig[:]); n == 1 && syscall.Signal(sig[0]) == syscall.SIGTERM {
			syscall.Kill(child, syscall.SIGKILL)
			return
		}
		for {
			var status syscall.WaitStatus
			if pid, _ := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
			child = start()
		}
	}
}
