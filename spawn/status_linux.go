package spawn

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// standing describes a process in relation to other processes.
type standing struct {
	State   byte // R, S, Z, ...
	Parent  int
	Group   int // process group
	Session int
}

func (s standing) ended() bool { return s.State == 'Z' || s.State == 'X' }

// standingOf returns the standing of a process in a way that no process can block. In the middle of an exec, which
// its user may make last for ever, reading /proc/PID/stat, environ, io or exe blocks. Reading status does not block,
// see proc_pid_status(5).
func standingOf(pid int) (standing, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return standing{}, err
	}
	var s standing
	for line := range strings.Lines(string(text)) {
		if state, ok := strings.CutPrefix(line, "State:\t"); ok {
			s.State = state[0]
		}
		if parent, ok := strings.CutPrefix(line, "PPid:\t"); ok {
			s.Parent, err = strconv.Atoi(strings.TrimSpace(parent))
			break
		}
	}
	if s.State == 0 || err != nil {
		return standing{}, errStat
	}
	if s.Group, err = unix.Getpgid(pid); err != nil {
		return standing{}, err
	}
	s.Session, err = unix.Getsid(pid)
	return s, err
}
