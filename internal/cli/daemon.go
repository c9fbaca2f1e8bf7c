package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"jobsd/internal/control"
	"jobsd/internal/durable"
	"jobsd/spawn"
	"jobsd/statefile"
)

// site returns the site for a reader, and prints a message if its settings are broken.
func (a *app) site() (*site, error) {
	s, err := a.places.readerSite()
	if err == nil && s.broken != nil {
		fmt.Fprintln(a.err, "jobsd:", s.broken)
	}
	return s, err
}

// state reads the state file of the site for a reader.
func (a *app) state() (*site, *statefile.State, error) {
	s, err := a.site()
	if err != nil {
		return nil, nil, err
	}
	state, err := s.state()
	return s, state, err
}

func (s *site) state() (*statefile.State, error) {
	state, err := statefile.ReadState(s.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitNoDaemon, s.howToStart(), "no daemon has run with the state directory %s", s.State)
	}
	return state, err
}

// pollPause is the time between two looks at the state file while a verb waits.
const pollPause = 20 * time.Millisecond

// startPatience is how long a daemon that has just started may take to write its state file. It keeps the existing file
// until its first load is complete, but for ten seconds at most.
const startPatience = 15 * time.Second

// present waits for the state file of the running daemon and returns it. The existing file may still be that of the
// previous daemon.
func (s *site) present() (*statefile.State, error) {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for deadline := time.Now().Add(startPatience); ; <-tick.C {
		state, err := s.state()
		switch {
		case err == nil && alive(&state.Daemon):
			return state, nil
		case err != nil && codeOf(err) != exitNoDaemon:
			return nil, err
		case !s.held():
			return nil, s.noDaemon()
		case time.Now().After(deadline):
			return nil, fail(exitFailed, "the daemon's log may say why", "the daemon has started but has not written its state file in %s", s.State)
		}
	}
}

// newest returns the newest state file. If another daemon is running than the one that wrote the existing file, it waits
// for the file of the running daemon.
func (s *site) newest() (*statefile.State, error) {
	state, err := s.state()
	if err == nil && alive(&state.Daemon) || !s.held() {
		return state, err
	}
	if now, late := s.present(); late == nil {
		return now, nil
	}
	return state, err
}

// held reports whether a daemon uses the state directory. It looks for the daemon's lock or, if the kernel does not show
// locks, for the process of the pid file.
func (s *site) held() bool {
	dir, err := os.Open(s.State)
	if err != nil {
		return false
	}
	defer dir.Close()
	if durable.Holder(dir) > 0 {
		return true
	}
	pid, err := s.pidFile()
	return err == nil && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// alive reports whether the daemon that wrote d still runs. The pid is not enough: another process may have it by now.
func alive(d *statefile.Daemon) bool {
	if id := spawn.BootID(); id != "" && d.BootID != "" && id != d.BootID {
		return false // if the kernel hides the boot ID from one of the two, the start time has to be enough
	}
	start, err := spawn.StartTime(d.PID)
	return err == nil && start == d.PIDStart && !zombie(d.PID)
}

// daemonPID returns the pid of the running daemon. The pid file has it, and the state file proves that it is the daemon's.
func (s *site) daemonPID(state *statefile.State) (int, error) {
	pid, err := s.pidFile()
	if err != nil {
		return 0, err
	}
	if pid != state.Daemon.PID || !alive(&state.Daemon) {
		return 0, s.noDaemon()
	}
	return pid, nil
}

func (s *site) pidFile() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.Run, "jobsd.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, s.noDaemon()
	}
	if err != nil {
		return 0, fmt.Errorf("cannot find the daemon: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("cannot find the daemon: %s holds no pid", filepath.Join(s.Run, "jobsd.pid"))
	}
	return pid, nil
}

// howToStart is a hint with the command that starts a daemon for this site.
func (s *site) howToStart() string {
	command := "start one with: jobsd run"
	if s.root != "" {
		command += " --root " + s.root
	}
	return command
}

func (s *site) noDaemon() error {
	return fail(exitNoDaemon, s.howToStart(), "no daemon runs with the state directory %s", s.State)
}

// noSocket is why nobody listens at the control socket: no daemon runs, or somebody has removed the socket.
func (s *site) noSocket() error {
	d, err := statefile.ReadDaemon(s.State)
	if _, gone := os.Lstat(filepath.Join(s.Run, control.SocketName)); err != nil || !alive(d) || !errors.Is(gone, fs.ErrNotExist) {
		return s.noDaemon()
	}
	return fail(exitFailed, fmt.Sprintf("to have the daemon make it again: kill -HUP %d", d.PID),
		"the control socket was removed from %s", s.Run)
}

func noJob(name string, known []string) error {
	return fail(exitNoJob, nearest(name, known, "jobsd list shows the jobs"), "no job is called %q", name)
}
