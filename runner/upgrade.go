package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/control"
	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// An upgrade replaces the program of the daemon under the same pid, so that its children stay its children. The path
// that it was started by is executed anew: what stands there must be trusted like a job file, and must say when asked,
// as a process of its own, that it can read the settings and the state. Then the daemon leaves its jobs as at QUIT,
// hands over the lock and the control socket, and executes it. All else is in the journal. Should the exec fail, this
// very program goes on by the same way.

// candidateTime is how long a new program may take to say who it is.
const candidateTime = 8 * time.Second

// mostWords is how much of what it says is read.
const mostWords = 4 << 10

// candidate is the program that is asked whether it can take over.
type candidate struct {
	call  uint64 // who wants the upgrade
	path  string
	proc  spawn.Process // PID 0: not started
	out   *os.File      // what it says
	shake *spawn.Handshake
	until time.Duration // monotonic
}

// vetted is posted when the trust of a program was looked at, which may wait for a disk.
type vetted struct {
	call uint64
	path string
	err  error
}

// upgrade begins with the look at what stands at our path.
func (l *loop) upgrade(call uint64) {
	switch {
	case !spawn.CanUpgrade:
		l.refuseUpgrade(call, errors.New("not on this system: stop the daemon with QUIT, which leaves the jobs running, and start the new one"))
		return
	case l.candidate != nil:
		l.refuseUpgrade(call, errors.New("another one is under way"))
		return
	}
	l.candidate = &candidate{call: call, path: l.o.Program}
	go func(c candidate) {
		err := jobfile.CheckProgram(c.path)
		l.pump.Post(vetted{c.call, c.path, err})
	}(*l.candidate)
}

func (l *loop) refuseUpgrade(call uint64, err error) {
	l.log.Error("no upgrade", "err", err)
	l.socket.Answer(l.sys.now().Mono, call, control.Response{Last: true,
		Error: &control.Error{Code: control.Refused, Text: err.Error()}})
}

// ask starts the candidate as a process.
func (l *loop) ask(v vetted) {
	c := l.candidate
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
		return fmt.Errorf("cannot ask it: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	unix.SetNonblock(fds[0], true)
	defer unix.Close(fds[1])
	c.out = os.NewFile(uintptr(fds[0]), "candidate")
	argv := []string{c.path, "candidate"}
	if l.o.ConfigFile != "" {
		argv = append(argv, "--config="+l.o.ConfigFile)
	}
	var err error
	c.proc, c.shake, err = spawn.Start(&spawn.Command{Path: c.path, Argv: argv, Env: os.Environ(), Dir: "/", Umask: -1,
		Output: fds[1], Title: "jobsd:candidate", Remote: true})
	if err != nil {
		c.out.Close()
		return fmt.Errorf("cannot start it: %w", err)
	}
	c.until = l.sys.now().Mono + candidateTime
	return nil
}

// candidateWait is how long the candidate may still take; negative: there is none.
func (l *loop) candidateWait() time.Duration {
	if l.candidate == nil || l.candidate.proc.PID == 0 {
		return -1
	}
	return max(0, l.candidate.until-l.sys.now().Mono)
}

// hurryCandidate kills one that does not answer.
func (l *loop) hurryCandidate() {
	if c := l.candidate; c != nil && c.proc.PID > 0 && l.sys.now().Mono >= c.until {
		spawn.SignalGroup(c.proc, syscall.SIGKILL)
		c.until += candidateTime
	}
}

// judge ends the question: with an upgrade if the answer is right.
func (l *loop) judge(x spawn.Exit) {
	c := l.candidate
	l.candidate = nil
	defer c.proc.Close()
	defer c.out.Close()
	err := c.verdict(x)
	if err == nil && l.core.Ending() {
		err = errors.New("the daemon is ending")
	}
	if err == nil && l.core.Troubled("journal") {
		err = errors.New("the journal cannot be written: what runs would be lost from sight")
	}
	if err != nil {
		l.refuseUpgrade(c.call, err)
		return
	}
	l.upgradeCall = c.call
	l.handle(core.Shutdown{By: "upgrade", Leave: true, Upgrade: true})
}

func (c *candidate) verdict(x spawn.Exit) error {
	if c.shake != nil {
		defer c.shake.Close()
		if _, err := c.shake.Result(); err != nil {
			return fmt.Errorf("cannot start it: %w", err)
		}
	}
	buf := make([]byte, mostWords)
	n, err := io.ReadFull(c.out, buf)
	said := strings.TrimSpace(string(buf[:n]))
	switch {
	case x.Signal != 0:
		return fmt.Errorf("asked who it is, it died of %s: %.300s", spawn.SignalName(x.Signal), said)
	case x.Code != 0:
		return fmt.Errorf("asked who it is, it exited %d: %.300s", x.Code, said)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return fmt.Errorf("cannot hear what it says: %w", err)
	}
	var who Candidate
	if err := json.Unmarshal([]byte(said), &who); err != nil || who.Version == "" {
		return fmt.Errorf("asked who it is, it said: %.300s", said)
	}
	if who.StateVersion < statefile.Version || who.Handover != handoverVersion {
		return fmt.Errorf("it is %s, which cannot go on from this daemon's state", who.Version)
	}
	return nil
}

// Candidate is what a program says of itself that is asked whether it can take over.
type Candidate struct {
	Version      string `json:"version"`
	StateVersion int    `json:"state_version"`
	Handover     int    `json:"handover"`
}

// ThisCandidate is what this program says.
func ThisCandidate(version string) Candidate {
	return Candidate{version, statefile.Version, handoverVersion}
}
