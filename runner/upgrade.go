package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/control"
	"jobsd/internal/machine"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// An upgrade replaces the program of the daemon under the same pid, so that its children stay its children. It executes
// the path by which the daemon was started. The program there must be trusted like a job file. It is first started as a
// separate process and must report that it can read the settings and the state. Then the daemon leaves its jobs
// running, as after QUIT, hands over the lock and the control socket, and executes the program. Everything else is in
// the journal. If the exec fails, the running program continues in the same way.

// candidateTime is how long a new program may take to report its version.
const candidateTime = 8 * time.Second

// maxCandidateOutput is how much of its output is read.
const maxCandidateOutput = 4 << 10

// candidate is the new program while it is checked.
type candidate struct {
	call  uint64 // the call that asked for the upgrade
	path  string
	proc  spawn.Process // PID 0: not started
	out   int           // its output, to be read without waiting
	shake *spawn.Handshake
	until time.Duration // monotonic
}

// vetted is the result of the check whether a program is trusted. The check may wait for a disk.
type vetted struct {
	call uint64
	err  error
}

// upgrade begins with a check of the program at our path.
func (l *loop) upgrade(call uint64) {
	switch {
	case !spawn.CanUpgrade:
		l.refuseUpgrade(call, errors.New("this system does not support it: stop the daemon with QUIT, which leaves the jobs running, and start the new one"))
		return
	case l.candidate != nil:
		l.refuseUpgrade(call, errors.New("another upgrade is in progress"))
		return
	}
	l.candidate = &candidate{call: call, path: l.o.Program, until: l.sys.now().Mono + candidateTime}
	go func(c candidate) {
		err := machine.CheckProgram(c.path)
		l.pump.Post(vetted{c.call, err})
	}(*l.candidate)
}

func (l *loop) refuseUpgrade(call uint64, err error) {
	l.log.Error("cannot upgrade", "err", err)
	l.socket.Answer(l.sys.now().Mono, call, control.Response{Last: true,
		Error: &control.Error{Code: control.Refused, Text: err.Error()}})
}

// ask starts the candidate as a process.
func (l *loop) ask(v vetted) {
	c := l.candidate
	if c == nil || c.call != v.call { // it came too late
		return
	}
	err := v.err
	if err == nil {
		err = l.startCandidate(c)
	}
	if err != nil {
		l.candidate = nil
		l.refuseUpgrade(c.call, err)
	}
}

func (l *loop) startCandidate(c *candidate) error {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return fmt.Errorf("cannot start the new program: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	unix.SetNonblock(fds[0], true)
	defer unix.Close(fds[1])
	c.out = fds[0]
	argv := []string{c.path, "candidate"}
	if l.o.ConfigFile != "" {
		argv = append(argv, "--config="+l.o.ConfigFile)
	}
	var err error
	c.proc, c.shake, err = spawn.Start(&spawn.Command{Path: c.path, Argv: argv, Env: os.Environ(), Dir: "/", Umask: -1,
		Output: fds[1], Title: "jobsd:candidate", MayHang: true})
	if err != nil {
		unix.Close(c.out)
		return err
	}
	c.until = l.sys.now().Mono + candidateTime
	return nil
}

// candidateWait returns how long the candidate may still take, or a negative time if there is none.
func (l *loop) candidateWait() time.Duration {
	if l.candidate == nil {
		return -1
	}
	return max(0, l.candidate.until-l.sys.now().Mono)
}

// hurryCandidate kills a candidate that does not answer, or gives up on one that is on a dead disk.
func (l *loop) hurryCandidate() {
	c := l.candidate
	switch {
	case c == nil || l.sys.now().Mono < c.until:
	case c.proc.PID == 0:
		l.candidate = nil
		l.refuseUpgrade(c.call, errors.New("cannot read the program: its disk does not answer"))
	default:
		spawn.SignalGroup(c.proc, syscall.SIGKILL)
		c.until += candidateTime
	}
}

// judge ends the check: with an upgrade if the answer is right.
func (l *loop) judge(x spawn.Exit) {
	c := l.candidate
	l.candidate = nil
	err := c.verdict(x)
	spawn.SignalGroup(c.proc, syscall.SIGKILL) // it was only a check and must leave nothing behind
	c.proc.Close()
	unix.Close(c.out)
	if err == nil && l.core.Ending() {
		err = errors.New("the daemon is shutting down")
	}
	if err == nil && l.core.Troubled("journal") {
		err = errors.New("cannot write the journal, so the new program would not know the running jobs")
	}
	if who := l.core.Waits(); err == nil && who != "" {
		err = fmt.Errorf("a requested start of %s is still waiting and would be lost: try again later", who)
	}
	if err != nil {
		l.refuseUpgrade(c.call, err)
		return
	}
	l.handle(core.Shutdown{By: "upgrade", Leave: true, Upgrade: true})
}

func (c *candidate) verdict(x spawn.Exit) error {
	if c.shake != nil {
		defer c.shake.Close()
		if _, err := c.shake.Result(); err != nil {
			return err
		}
	}
	said := c.words()
	switch {
	case x.Signal != 0:
		return fmt.Errorf("the new program died of %s when asked for its version: %.300s", spawn.SignalName(x.Signal), said)
	case x.Code != 0:
		return fmt.Errorf("the new program exited %d when asked for its version: %.300s", x.Code, said)
	}
	var who Candidate
	if err := json.Unmarshal([]byte(said), &who); err != nil || who.Version == "" {
		return fmt.Errorf("the new program did not tell its version: %.300s", said)
	}
	if who.StateVersion < statefile.Version || who.Handover != handoverVersion {
		return fmt.Errorf("version %s cannot read this daemon's state", who.Version)
	}
	return nil
}

// words returns the output so far: a child of the candidate may keep the pipe open.
func (c *candidate) words() string {
	said := make([]byte, 0, maxCandidateOutput)
	for len(said) < maxCandidateOutput {
		n, err := unix.Read(c.out, said[len(said):maxCandidateOutput])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			break
		}
		said = said[:len(said)+n]
	}
	return strings.TrimSpace(string(said))
}

// Candidate is the report of a program that is asked whether it can take over.
type Candidate struct {
	Version      string `json:"version"`
	StateVersion int    `json:"state_version"`
	Handover     int    `json:"handover"`
}

// ThisCandidate returns the report of this program.
func ThisCandidate(version string) Candidate {
	return Candidate{version, statefile.Version, handoverVersion}
}
