package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// floorHerd starts a program many times at an instant: a bare loop around ForkExec, without a journal, a log or an
// outcome. Its arguments are the number, the instant in nanoseconds, and the command.
func floorHerd(args []string) {
	n, err := strconv.Atoi(args[0])
	must(err)
	due, err := strconv.ParseInt(args[1], 10, 64)
	must(err)
	cmd := args[2:]
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(err)
	fd := null.Fd()
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{fd, fd, fd}, Sys: &syscall.SysProcAttr{Setsid: true}}
	time.Sleep(time.Until(time.Unix(0, due)))
	self, children := ownUsage(syscall.RUSAGE_SELF), ownUsage(syscall.RUSAGE_CHILDREN)
	for range n {
		_, err := syscall.ForkExec(cmd[0], cmd, attr)
		must(err)
	}
	for range n {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(-1, &status, 0, nil)
		must(err)
	}
	reportFloor(values{
		ownCPU: (ownUsage(syscall.RUSAGE_SELF) - self) / float64(n),
		jobCPU: (ownUsage(syscall.RUSAGE_CHILDREN) - children) / float64(n),
	})
}
