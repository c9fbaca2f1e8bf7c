package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/durable"
	"jobsd/runner"
)

// The parent of a daemon in the background waits on a pipe. The child writes one line: one of these words and a message
// for the person. Then it closes the pipe.
const (
	ready  = "ready "
	failed = "failed "
)

// daemonLog is the log file of a daemon in the background.
func (s *site) daemonLog() string { return filepath.Join(s.Log, "jobsd.log") }

// doBackground executes this program again, in its own session, and returns when the child is ready or has failed.
func (a *app) doBackground(s *site, o runOptions) error {
	if err := durable.MakeDir(s.Log, 0o750); err != nil {
		return fmt.Errorf("cannot make the log directory: %w", err)
	}
	log, err := os.OpenFile(s.daemonLog(), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return fmt.Errorf("cannot open the daemon's log: %w", err)
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer r.Close()
	child, err := s.daemonCommand(o)
	if err != nil {
		return err
	}
	child.Stdout, child.Stderr, child.ExtraFiles = log, log, []*os.File{w}
	err = child.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("cannot start the daemon: %w", err)
	}
	if err := a.awaitReady(r, child, s.daemonLog()); err != nil {
		return err
	}
	if idle := s.idle(); idle != "" {
		fmt.Fprintln(a.err, "jobsd: "+idle)
	}
	return nil
}

// idle returns why the daemon, which has just become ready, has nothing to do; "" if it has jobs. The log says so too, but
// perhaps nobody reads it.
func (s *site) idle() string {
	state, err := s.state()
	switch {
	case err != nil || len(state.Jobs) > 0:
		return ""
	case !exists(s.Jobs):
		return "the jobs directory " + s.Jobs + ` does not exist; "jobsd help add" explains how to make a job`
	case len(state.Daemon.Reload.Errors) > 0:
		return `no job file is valid; "jobsd check" says why`
	}
	return s.noJobs()
}

// noJobs is the message if there are no jobs.
func (s *site) noJobs() string {
	return "there are no jobs in " + s.Jobs + `; "jobsd help add" explains how to make one`
}

// daemonCommand is the daemon's command line. All paths are absolute because the daemon works in /.
func (s *site) daemonCommand(o runOptions) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find the program jobsd: %w", err)
	}
	args := []string{os.Args[0], "run", "--ready-fd=3", "--log-level=" + o.level, "--log-format=" + o.format}
	if o.output != "" {
		args = append(args, "--output="+o.output)
	}
	if o.outputFormat != "" {
		args = append(args, "--output-format="+o.outputFormat)
	}
	return &exec.Cmd{
		Path:        self,
		Args:        append(args, s.args()...),
		Dir:         "/",
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}, nil
}

// args are options that lead to the same site from any directory.
func (s *site) args() []string {
	args := []string{"--jobs-dir=" + s.Jobs, "--state-dir=" + s.State, "--log-dir=" + s.Log, "--run-dir=" + s.Run}
	switch {
	case s.root != "":
		args = append(args, "--root="+s.root)
	case s.user:
		args = append(args, "--user")
	default:
		args = append(args, "--system")
	}
	if exists(s.configFile) {
		args = append(args, "--config="+s.configFile)
	}
	return args
}

// awaitReady prints what the child reports. If the child fails, it returns its error with its exit code.
func (a *app) awaitReady(r io.Reader, child *exec.Cmd, log string) error {
	word, err := bufio.NewReader(r).ReadString('\n')
	if text, ok := strings.CutPrefix(word, ready); ok {
		fmt.Fprintf(a.out, "jobsd runs in the background: pid %d, %s\n", child.Process.Pid, strings.TrimSpace(text))
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("lost contact with the starting daemon: %w", err)
	}
	_ = child.Wait() // how it ended is in ProcessState
	reason, ok := strings.CutPrefix(strings.TrimSpace(word), failed)
	if !ok {
		reason = fmt.Sprintf("cannot start the daemon: it exited early (%s)", child.ProcessState)
	}
	code := child.ProcessState.ExitCode()
	if code <= 0 {
		code = exitFailed
	}
	return fail(code, "read the daemon's log, "+log, "%s", reason)
}

// inBackground is the child's side: it runs the daemon and reports to the parent once.
func inBackground(fd int, options runner.Options) error {
	var parent *os.File
	if options.Handover == nil { // after an upgrade the parent has its report, and the descriptor is something else
		unix.CloseOnExec(fd) // otherwise the jobs would keep the pipe open and the parent waiting
		parent = os.NewFile(uintptr(fd), "parent")
	}
	tell := func(word, text string) {
		if parent != nil {
			fmt.Fprintf(parent, "%s%s\n", word, strings.ReplaceAll(text, "\n", "; "))
			parent.Close()
			parent = nil
		}
	}
	options.LogFile = filepath.Join(options.Dirs.Log, "jobsd.log")
	options.Ready = func(jobs int) { tell(ready, count(jobs, "job")) }
	err := runner.Run(options)
	if err != nil {
		tell(failed, err.Error())
	}
	return err
}
