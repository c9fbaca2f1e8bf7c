package spawn

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The shim is this program, started again as the future process. It does what ForkExec cannot do and what may block,
// and then becomes the program. The pid stays the same throughout.
//
// The shim finds its instructions in its environment, with each string of the command in its own variable. The kernel
// passes the strings unchanged, whatever their size, with the same limits as for the program's own exec (the names
// take a few bytes of the 128 KiB that a string may have). The loop has to write nothing that could block. And only
// the same user and root can read the instructions, like all of /proc/PID/environ. No variable of the command's own
// environment, such as GODEBUG, reaches the Go runtime of the shim.
const (
	stage2   = "@stage2" // argv[1] of the shim
	reportFD = 3         // the shim's end of the handshake's pipe
	ready    = '+'       // written before exec; after it comes the end of the stream or an Error
	exitShim = 111       // exit code of a shim that could not become the program; the Error says why
)

// instructions hold what a shim needs besides strings.
type instructions struct {
	Args        int         `json:"args"`
	Vars        int         `json:"vars"`
	DirOptional bool        `json:"dir_optional"`
	Credential  *Credential `json:"credential"`
	Umask       int         `json:"umask"`
	Nice        int         `json:"nice"`
	Limits      []Limit     `json:"limits"`
}

// startShim starts the shim that will become c.
func startShim(c *Command) (Process, *Handshake, error) {
	p, h, err := forkShim(c)
	if err == nil {
		return p, h, nil
	}
	e := &Error{Stage: StageFork, Errno: errnoOf(err), Path: c.name()}
	if e.Errno == syscall.E2BIG || e.Errno == syscall.EINVAL { // also too much for the program, or a NUL in a string
		e.Stage = StageExec
	}
	return p, nil, e
}

func forkShim(c *Command) (Process, *Handshake, error) {
	none := Process{FD: -1}
	env, err := c.shimEnv()
	if err != nil {
		return none, nil, err
	}
	in, out, err := c.files()
	if err != nil {
		return none, nil, err
	}
	h, w, err := newHandshake(c.name())
	if err != nil {
		return none, nil, err
	}
	defer unix.Close(w)
	attr := &syscall.ProcAttr{Env: env, Files: []uintptr{in, out, out, uintptr(w)}, Sys: &syscall.SysProcAttr{}}
	p, err := fork(self, []string{c.Title, stage2}, c.Cgroup, attr)
	if err != nil {
		h.Close()
		return none, nil, err
	}
	return p, h, nil
}

// name returns the name of the program for errors.
func (c *Command) name() string {
	if c.Path != "" {
		return c.Path
	}
	return c.Argv[0]
}

func (c *Command) shimEnv() ([]string, error) {
	more, err := json.Marshal(instructions{
		Args: len(c.Argv), Vars: len(c.Env), DirOptional: c.DirOptional,
		Credential: c.Credential, Umask: c.Umask, Nice: c.Nice, Limits: c.Limits,
	})
	if err != nil {
		return nil, err
	}
	env := make([]string, 0, 6+len(c.Argv)+len(c.Env))
	env = append(env, "GOMAXPROCS=1", "GOGC=off",
		"path="+c.Path, "dir="+c.Dir, "env_file="+c.EnvFile, "more="+string(more))
	for i, s := range c.Argv {
		env = append(env, "a"+strconv.Itoa(i)+"="+s)
	}
	for i, s := range c.Env {
		env = append(env, "e"+strconv.Itoa(i)+"="+s)
		if strings.HasPrefix(s, reserved) {
			env = append(env, s) // the daemon must recognize the process as its own even before exec
		}
	}
	return env, nil
}

func (c *Command) fromShimEnv() error {
	var more instructions
	if err := json.Unmarshal([]byte(os.Getenv("more")), &more); err != nil {
		return err
	}
	*c = Command{
		Path: os.Getenv("path"), Dir: os.Getenv("dir"), EnvFile: os.Getenv("env_file"),
		DirOptional: more.DirOptional, Credential: more.Credential,
		Umask: more.Umask, Nice: more.Nice, Limits: more.Limits,
	}
	for i := range more.Args {
		c.Argv = append(c.Argv, os.Getenv("a"+strconv.Itoa(i)))
	}
	for i := range more.Vars {
		c.Env = append(c.Env, os.Getenv("e"+strconv.Itoa(i)))
	}
	return nil
}

// Stage2 must be the first call in main. In a process that Start made as a shim it never returns; in any other
// process it does nothing.
func Stage2() {
	if len(os.Args) != 2 || os.Args[1] != stage2 {
		return
	}
	runtime.LockOSThread() // the nice value and the signal mask belong to a thread, and this thread calls exec
	unix.CloseOnExec(reportFD)
	var c Command
	if err := c.fromShimEnv(); err != nil || len(c.Argv) == 0 {
		fmt.Fprintln(os.Stderr, "cannot start: only the daemon itself uses "+stage2)
		syscall.Exit(2)
	}
	report(c.become())
	syscall.Exit(exitShim) // not os.Exit, because nothing may run at exit
}

// become replaces this process with the program. It returns only if that fails.
func (c *Command) become() *Error {
	if c.Umask >= 0 {
		unix.Umask(c.Umask)
	}
	for _, step := range []func() *Error{c.setNice, c.setLimits, c.setKeyring, c.setUser, c.enterDir, c.addEnvFile} {
		if e := step(); e != nil {
			return e
		}
	}
	unblockSignals()
	reportBytes([]byte{ready})
	return c.exec()
}

func (c *Command) setNice() *Error {
	if c.Nice == 0 {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, c.Nice); err != nil {
		return &Error{Stage: StageNice, Errno: errnoOf(err), Path: strconv.Itoa(c.Nice)}
	}
	return nil
}

func (c *Command) setLimits() *Error {
	for _, l := range c.Limits {
		if err := l.set(); err != nil {
			return &Error{Stage: StageLimits, Errno: errnoOf(err), Path: l.Name}
		}
	}
	return nil
}

// setKeyring gives a process of another user its own session keyring. The shim makes it while it is still the
// daemon's user, whose quota has room for it.
func (c *Command) setKeyring() *Error {
	if c.Credential == nil || c.Credential.own() {
		return nil
	}
	if err := joinKeyring(); err != nil {
		return &Error{Stage: StageKeyring, Errno: errnoOf(err), Path: c.name()}
	}
	return nil
}

// setUser switches to the credential. It sets the groups first and the uid last, because after that it may change
// nothing else.
func (c *Command) setUser() *Error {
	u := c.Credential
	if u == nil {
		return nil
	}
	groups := make([]int, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = int(g)
	}
	err := syscall.Setgroups(groups)
	if err == nil {
		err = syscall.Setgid(int(u.GID))
	}
	if err == nil {
		err = syscall.Setuid(int(u.UID))
	}
	if err != nil {
		return &Error{Stage: StageUser, Errno: errnoOf(err), Path: fmt.Sprintf("uid %d gid %d", u.UID, u.GID)}
	}
	return nil
}

func (c *Command) enterDir() *Error {
	if c.Dir == "" {
		return nil
	}
	err := unix.Chdir(c.Dir)
	// ENOTDIR: some accounts have /dev/null as their home.
	if c.DirOptional && (err == unix.ENOENT || err == unix.ENOTDIR) {
		err = unix.Chdir("/")
	}
	if err != nil {
		return &Error{Stage: StageDir, Errno: errnoOf(err), Path: c.Dir}
	}
	return nil
}
