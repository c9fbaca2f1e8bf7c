package spawn

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// standing is what a process is to others.
type standing struct {
	State   byte // R, S, Z, ...
	Parent  int
	Group   int // of processes
	Session int
}

func (s standing) ended() bool { return s.State == 'Z' || s.State == 'X' }

// standingOf asks for it in a way that no process can hold up. In the middle of an exec, which its user may make last for
// ever, /proc/PID/stat, environ, io and exe wait; status does not, see proc_pid_status(5).
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
