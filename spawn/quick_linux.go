package spawn

import (
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

// A quick shim is a shim without the Go runtime, whose start costs several times as much as everything that a shim does.
// The program must be linked with -ldflags=-E=jobsd/spawn.entry, so that the kernel starts it at a small function in
// assembly. In a quick shim this function performs a script: a list of system calls that the daemon has prepared. If one
// of them fails, the last steps of the script start the shim that is written in Go, which does the rest and finds out
// what the error means.

const (
	quickArg  = "@stage1" // argv[1] of a quick shim
	scriptFD  = 4         // where it reads its script
	maxScript = 64 << 10  // what fits into a pipe
)

var quickAddress = sync.OnceValue(areaAddress)

// prepareQuick does the slow part of the first start.
func prepareQuick() { quickAddress() }

// quick returns a descriptor from which a quick shim can read the script for a command, -1 if there can be no quick shim.
func quick(c *Command, i *shim.Instructions) int {
	at := quickAddress()
	if at == 0 {
		return -1
	}
	text := scriptFor(c, i, at)
	if text == nil {
		return -1
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return -1
	}
	n, err := unix.Write(fds[1], text)
	unix.Close(fds[1])
	if err != nil || n < len(text) { // pipes of users with many pipes are small
		unix.Close(fds[0])
		return -1
	}
	return fds[0]
}

// scriptFor returns the script of a command for a quick shim that has it at that address. It returns nil for a command
// with an env_file, which only Go code can read, and with limits, under which the Go runtime may not start any more.
func scriptFor(c *Command, i *shim.Instructions, at uint64) []byte {
	if i.EnvFile != "" || len(i.Limits) > 0 {
		return nil
	}
	s := script{texts: map[string]operand{}}
	asDaemon, asUser, hopeless := new(int), new(int), new(int)

	s.onError = asDaemon
	s.call(unix.SYS_FCNTL, number(shim.ReportFD), number(unix.F_SETFD), number(unix.FD_CLOEXEC))
	s.call(unix.SYS_CLOSE, number(scriptFD))
	if i.Umask >= 0 {
		s.call(unix.SYS_UMASK, number(i.Umask))
	}
	if i.Nice != 0 {
		s.call(unix.SYS_SETPRIORITY, number(unix.PRIO_PROCESS), number(0), number(i.Nice))
	}
	if i.Keyring { // see shim.JoinKeyring
		s.call(unix.SYS_KEYCTL, number(unix.KEYCTL_JOIN_SESSION_KEYRING), number(0))
		s.expect(unix.ENOSYS, unix.EPERM)
	}
	if u := i.User; u != nil {
		s.call(unix.SYS_SETGROUPS, number(len(u.Groups)), s.numbers(u.Groups))
		s.call(unix.SYS_SETGID, number(int(u.GID)))
		s.call(unix.SYS_SETUID, number(int(u.UID)))
	}

	s.onError = asUser
	if i.Dir != "" && i.DirOptional {
		s.call(unix.SYS_CHDIR, s.text("/"))
	}
	if i.Dir != "" {
		s.call(unix.SYS_CHDIR, s.text(i.Dir))
		if i.DirOptional {
			s.expect(unix.ENOENT, unix.ENOTDIR)
		}
	}
	const setMask, maskSize = 2, 8
	s.call(unix.SYS_RT_SIGPROCMASK, number(setMask), s.words(make([]operand, 1)), number(0), number(maskSize))
	s.say(shim.Ready)
	s.execute(i)

	// The rest of the work is for the shim that is written in Go. What only the daemon's user may do is done by now.
	*asUser = len(s.steps)
	rest := *i
	rest.Nice, rest.Keyring, rest.User = 0, false, nil
	s.explain(c, &rest, hopeless)
	*asDaemon = len(s.steps)
	s.explain(c, i, hopeless)

	// No process can be started, for example because the user has too many.
	*hopeless = len(s.steps)
	report := shim.Raw(StageExec, i.Name())
	message := s.bytes(report)
	s.error = operand{message.n + shim.RawErrno(StageExec), true}
	s.call(unix.SYS_WRITE, number(shim.ReportFD), message, number(len(report)))
	s.call(unix.SYS_EXIT_GROUP, number(shim.ExitFailed))
	return s.link(at)
}

// say adds the steps that write to the daemon. The program starts even if the daemon has ended meanwhile, so the signal
// that the kernel sends then must not end the shim. The program itself gets the default action.
func (s *script) say(b byte) {
	const ignore, maskSize = 1, 8
	action := func(handler int) operand { return s.words([]operand{number(handler), {}, {}, {}}) } // a struct sigaction
	s.call(unix.SYS_RT_SIGACTION, number(int(unix.SIGPIPE)), action(ignore), number(0), number(maskSize))
	s.call(unix.SYS_WRITE, number(shim.ReportFD), s.text(string([]byte{b})), number(1))
	s.expect(unix.EPIPE)
	s.call(unix.SYS_RT_SIGACTION, number(int(unix.SIGPIPE)), action(0), number(0), number(maskSize))
}

// execute adds the steps that become the program.
func (s *script) execute(i *shim.Instructions) {
	args, env := s.list(i.Args), s.list(i.Env)
	if i.Path != "" || strings.Contains(i.Args[0], "/") {
		s.call(unix.SYS_EXECVE, s.text(i.Name()), args, env)
		return
	}
	for _, dir := range strings.Split(getenv(i.Env, "PATH"), ":") {
		if !path.IsAbs(dir) || i.Args[0] == "" {
			continue
		}
		file, onError := s.text(path.Join(dir, i.Args[0])), s.onError
		next := new(int)
		s.onError = next
		s.call(unix.SYS_FACCESSAT, number(unix.AT_FDCWD), file, number(unix.X_OK))
		s.onError = onError
		s.call(unix.SYS_EXECVE, file, args, env)
		*next = len(s.steps)
	}
}

// explain adds the step that starts the shim that is written in Go.
func (s *script) explain(c *Command, i *shim.Instructions, onError *int) {
	s.onError = onError
	s.call(unix.SYS_FCNTL, number(shim.ReportFD), number(unix.F_SETFD), number(0))
	s.call(unix.SYS_EXECVE, s.text(self), s.list([]string{c.Title, shim.Arg}), s.list(c.shimEnv(i)))
	s.steps[len(s.steps)-1].storesError = true
}

// getenv returns the last value of key.
func getenv(env []string, key string) (value string) {
	for _, s := range env {
		if v, ok := strings.CutPrefix(s, key+"="); ok {
			value = v
		}
	}
	return value
}
