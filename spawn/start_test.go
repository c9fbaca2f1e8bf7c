package spawn

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

func TestStartFailures(t *testing.T) {
	dir := openDir(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("plain"), "#!/bin/sh\n", 0o644)
	write(t, in("empty"), "", 0o755)
	write(t, in("text"), "echo hi\n", 0o755)
	write(t, in("foreign"), foreignELF(), 0o755)
	write(t, in("lost"), "#! /bin/nosuch -x\n", 0o755)
	write(t, in("lost2"), "#!"+in("lost")+"\n", 0o755)
	write(t, in("barred"), "#!"+in("plain"), 0o755)
	write(t, in("dos"), "#!/bin/sh\r\necho\r\n", 0o755)
	write(t, in("todir"), "#!"+dir+"\n", 0o755)
	must(os.Symlink("loop", in("loop")))
	busy, err := os.OpenFile(write(t, in("busy"), foreignELF(), 0o755), os.O_WRONLY, 0)
	must(err)
	defer busy.Close()

	for _, row := range []struct {
		name    string
		command *Command
		want    Error
	}{
		{"missing", program(in("nosuch")), Error{StageExec, syscall.ENOENT, in("nosuch"), ""}},
		{"not executable", program(in("plain")), Error{StageExec, syscall.EACCES, in("plain"), ""}},
		{"directory", program(dir), Error{StageExec, syscall.EACCES, dir, ""}},
		{"below a file", program(in("plain/x")), Error{StageExec, syscall.ENOTDIR, in("plain/x"), ""}},
		{"link loop", program(in("loop")), Error{StageExec, syscall.ELOOP, in("loop"), ""}},
		{"name too long", program("/" + strings.Repeat("x", 300)),
			Error{StageExec, syscall.ENAMETOOLONG, "/" + strings.Repeat("x", 300), ""}},
		{"empty", program(in("empty")), Error{StageExec, syscall.ENOEXEC, in("empty"), ""}},
		{"no shebang", program(in("text")), Error{StageExec, syscall.ENOEXEC, in("text"), ""}},
		{"wrong architecture", program(in("foreign")), Error{StageExec, syscall.ENOEXEC, in("foreign"), ""}},
		{"being written", program(in("busy")), Error{StageExec, syscall.ETXTBSY, in("busy"), ""}},
		{"interpreter missing", program(in("lost")),
			Error{StageInterpreter, syscall.ENOENT, "/bin/nosuch", in("lost")}},
		{"interpreter's interpreter missing", program(in("lost2")),
			Error{StageInterpreter, syscall.ENOENT, "/bin/nosuch", in("lost")}},
		{"interpreter not executable", program(in("barred")),
			Error{StageInterpreter, syscall.EACCES, in("plain"), in("barred")}},
		{"interpreter is a directory", program(in("todir")),
			Error{StageInterpreter, syscall.EACCES, dir, in("todir")}},
		{"DOS line end", program(in("dos")),
			Error{StageInterpreter, syscall.ENOENT, "/bin/sh\r", in("dos")}},
		{"dir missing", with(shell(""), func(c *Command) { c.Dir = in("nosuch") }),
			Error{StageDir, syscall.ENOENT, in("nosuch"), ""}},
		{"dir and program missing", with(program("/nosuch"), func(c *Command) { c.Dir = in("nosuch") }),
			Error{StageDir, syscall.ENOENT, in("nosuch"), ""}},
		{"dir is a file", with(shell(""), func(c *Command) { c.Dir = in("plain") }),
			Error{StageDir, syscall.ENOTDIR, in("plain"), ""}},
		{"argument too long", program("/bin/true", strings.Repeat("x", 200<<10)),
			Error{StageExec, syscall.E2BIG, "/bin/true", ""}},
		{"NUL in an argument", program("/bin/true", "a\x00b"), Error{StageExec, syscall.EINVAL, "/bin/true", ""}},
		{"NUL in a variable", with(shell(""), func(c *Command) { c.Env = []string{"A=\x00"} }),
			Error{StageExec, syscall.EINVAL, "/bin/sh", ""}},
		{"no argv", &Command{Path: "/bin/true"}, Error{StageExec, syscall.EINVAL, "/bin/true", ""}},
		{"not in PATH", with(program("nosuch"), func(c *Command) { c.Env = []string{"PATH=/nowhere:" + dir} }),
			Error{StageExec, syscall.ENOENT, "nosuch", "/nowhere:" + dir}},
		{"PATH has one that may not be executed",
			with(program("plain"), func(c *Command) { c.Env = []string{"PATH=/nowhere:" + dir} }),
			Error{StageExec, syscall.EACCES, "plain", "/nowhere:" + dir}},
		{"no PATH", with(program("sh"), func(c *Command) { c.Env = nil }),
			Error{StageExec, syscall.ENOENT, "sh", "which is empty"}},
		{"PATH by way of the working directory",
			with(program("text"), func(c *Command) { c.Dir, c.Env = dir, []string{"PATH=.::"} }),
			Error{StageExec, syscall.ENOENT, "text", ".::"}},
		{"env_file missing", with(shell(""), func(c *Command) { c.EnvFile = in("nosuch") }),
			Error{StageEnvFile, syscall.ENOENT, in("nosuch"), "*"}},
		{"unknown limit", with(shell(""), func(c *Command) { c.Limits = []Limit{{"files", 3}} }),
			Error{StageLimits, syscall.EINVAL, "files", ""}},
	} {
		t.Run(row.name, func(t *testing.T) {
			paths(t, func(t *testing.T, local bool) { fails(t, row.command, local, row.want) })
		})
	}
}

func with(c *Command, change func(*Command)) *Command {
	change(c)
	return c
}

// fails starts c and checks the error. If want.Detail is *, the detail is not compared.
func fails(t *testing.T, c *Command, local bool, want Error) {
	t.Helper()
	p, err := launch(t, c, local)
	if err == nil {
		t.Fatal("started")
	}
	got := *asError(t, err)
	if want.Detail == "*" {
		want.Detail = got.Detail
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Busy() != (want.Errno == syscall.ETXTBSY) {
		t.Errorf("Busy() = %v", got.Busy())
	}
	if p.PID == 0 {
		return
	}
	if e := reap(t, p.PID); e.Code != shim.ExitFailed {
		t.Errorf("exit of the shim: %+v", e)
	}
	if e, ok := Reap(); ok {
		t.Errorf("unexpected child: %+v", e)
	}
}

// foreignELF is the header of a program for a machine that does not exist.
func foreignELF() string {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: 0xFFF0, Version: 1, Ehsize: 64, Phentsize: 56}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var b bytes.Buffer
	must(binary.Write(&b, binary.LittleEndian, h))
	return b.String()
}

func TestLoaderMissing(t *testing.T) {
	const name = "/bin/true"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Skip("needs /bin/true")
	}
	old := interpreter(name)
	if old == "" {
		t.Skip("/bin/true is not a dynamic ELF program")
	}
	lost := old[:len(old)-1] + "?"
	program1 := filepath.Join(openDir(t), "true")
	write(t, program1, strings.Replace(string(text), old+"\x00", lost+"\x00", 1), 0o755)
	paths(t, func(t *testing.T, local bool) {
		fails(t, program(program1), local, Error{StageInterpreter, syscall.ENOENT, lost, program1})
	})
}

func TestErrorText(t *testing.T) {
	for _, row := range []struct {
		err  Error
		want string
	}{
		{Error{StageExec, syscall.ENOENT, "/opt/x", ""}, "cannot start: /opt/x does not exist"},
		{Error{StageExec, syscall.EACCES, "/opt/x", ""}, "cannot start: /opt/x cannot be executed: permission denied"},
		{Error{StageExec, syscall.ENOENT, "backup", "/usr/bin:/bin"}, `cannot start: "backup" is not in PATH (/usr/bin:/bin)`},
		{Error{StageExec, syscall.ENOENT, "backup", strings.Repeat("/d:", 100)},
			`cannot start: "backup" is not in PATH (` + strings.Repeat("/d:", 66) + "/d...)"},
		{Error{StageExec, syscall.EACCES, "backup", "/bin"},
			`cannot start: "backup" is in PATH (/bin) but cannot be executed: permission denied`},
		{Error{StageExec, syscall.ENOEXEC, "/opt/x", ""},
			"cannot start: /opt/x is neither a program for this machine nor a script that begins with #!"},
		{Error{StageInterpreter, syscall.ENOENT, "/bin/nosuch", "/opt/x"},
			"cannot start: the interpreter /bin/nosuch of /opt/x does not exist"},
		{Error{StageInterpreter, syscall.ENOENT, "/bin/sh\r", "/opt/x"},
			`cannot start: the interpreter "/bin/sh\r" of /opt/x does not exist: the script has Windows line endings (CR LF); convert it to LF`},
		{Error{StageDir, syscall.EACCES, "/root", ""}, "cannot start: the directory /root cannot be entered: permission denied"},
		{Error{StageDir, syscall.ENOENT, "/srv", ""}, "cannot start: the directory /srv does not exist"},
		{Error{StageTimeout, syscall.ETIMEDOUT, "/mnt/x", ""}, "cannot start: the start of /mnt/x timed out"},
		{Error{StageFork, syscall.EAGAIN, "/opt/x", ""},
			"cannot start: cannot fork for /opt/x: resource temporarily unavailable (EAGAIN)"},
		{Error{StageEnvFile, syscall.EINVAL, "/e", ", line 3: not of the form NAME=value"},
			"cannot start: the env_file /e, line 3: not of the form NAME=value"},
		{Error{StageEnvFile, syscall.EINVAL, "/e", " is not a regular file"}, "cannot start: the env_file /e is not a regular file"},
		{Error{StageEnvFile, syscall.ENOENT, "/e", ""}, "cannot start: the env_file /e does not exist"},
		{Error{StageEnvFile, syscall.EFBIG, "/e", ""}, "cannot start: the env_file /e is larger than 1 MiB"},
		{Error{StageEnvFile, syscall.ELOOP, "/d/e", "/d/e"},
			"cannot start: the env_file /d/e leads through too many symbolic links"},
		{Error{StageEnvFile, syscall.EPERM, "/d/e", " cannot be trusted: /d is not owned by root"},
			"cannot start: the env_file /d/e cannot be trusted: /d is not owned by root"},
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
	for _, stage := range []string{StageFork, StageNice, StageLimits, StageUser, StageDir, StageEnvFile, StageExec,
		StageInterpreter, StageShim, StageTimeout} {
		for n := range 140 { // every errno and stage needs a text
			e := (&Error{Stage: stage, Errno: syscall.Errno(n), Path: "/x", Detail: "/y"}).Error()
			if !strings.HasPrefix(e, "cannot start: ") || strings.HasSuffix(e, ": ") || strings.Contains(e, "internal error") {
				t.Errorf("stage %s, errno %d: %s", stage, n, e)
			}
		}
	}
}

// A start without free descriptors fails with a transient error in both ways of starting, and leaves nothing behind.
func TestOutOfDescriptors(t *testing.T) {
	var old syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	low := old
	low.Cur = 64
	must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		fds = append(fds, fd)
	}
	for left := range 6 { // each time, a different descriptor is missing
		for _, local := range []bool{true, false} {
			p, h, err := Start(remote(shell("exit 0"), !local))
			if err == nil {
				if h != nil {
					shake(t, h)
					h.Close()
				}
				reap(t, p.PID)
				p.Close()
				continue
			}
			if e := asError(t, err); e.Stage != StageFork || e.Errno != syscall.EMFILE || !e.Transient() {
				t.Errorf("%d left: %+v", left, e)
			}
		}
		unix.Close(fds[0])
		fds = fds[1:]
	}
}

func TestTransient(t *testing.T) {
	for _, row := range []struct {
		err  Error
		want bool
	}{
		{Error{Stage: StageFork, Errno: syscall.EAGAIN}, true},
		{Error{Stage: StageFork, Errno: syscall.ENOMEM}, true},
		{Error{Stage: StageExec, Errno: syscall.EAGAIN}, true},
		{Error{Stage: StageExec, Errno: syscall.ENOENT}, false},
		{Error{Stage: StageExec, Errno: syscall.ETXTBSY}, false},
		{Error{Stage: StageEnvFile, Errno: syscall.EMFILE}, false},
		{Error{Stage: StageFork, Errno: syscall.EPERM}, false},
		{Error{Stage: StageFork, Errno: syscall.EBADF}, true},
		{Error{Stage: StageExec, Errno: syscall.EBADF}, false},
	} {
		if row.err.Transient() != row.want {
			t.Errorf("%+v: Transient() = %v", row.err, !row.want)
		}
	}
}

func TestNeedsShim(t *testing.T) {
	if shell("").NeedsShim() {
		t.Error("a plain command needs a shim")
	}
	other := func(change func(*Credential)) *Credential {
		groups, err := unix.Getgroups()
		must(err)
		u := &Credential{UID: uint32(unix.Geteuid()), GID: uint32(unix.Getegid())}
		for _, g := range groups {
			u.Groups = append(u.Groups, uint32(g))
		}
		change(u)
		return u
	}
	for _, same := range []func(u *Credential){func(*Credential) {}, func(u *Credential) { u.Groups = append(u.Groups, u.GID) }} {
		if with(shell(""), func(c *Command) { c.Credential = other(same) }).NeedsShim() {
			t.Error("the daemon's own user needs a shim")
		}
	}
	for name, change := range map[string]func(*Command){
		"may hang": func(c *Command) { c.MayHang = true },
		"user":     func(c *Command) { c.Credential = other(func(u *Credential) { u.UID++ }) },
		"group":    func(c *Command) { c.Credential = other(func(u *Credential) { u.GID++ }) },
		"groups":   func(c *Command) { c.Credential = other(func(u *Credential) { u.Groups = append(u.Groups, 12345) }) },
		"path":     func(c *Command) { c.Path = "" },
		"env_file": func(c *Command) { c.EnvFile = "/e" },
		"umask":    func(c *Command) { c.Umask = 0 },
		"nice":     func(c *Command) { c.Nice = 19 },
		"limits":   func(c *Command) { c.Limits = []Limit{{"core", 0}} },
	} {
		if !with(shell(""), change).NeedsShim() {
			t.Errorf("%s: no shim", name)
		}
	}
}

func TestStringsAsGiven(t *testing.T) {
	odd := "$HOME ~ * \\ \"'\n\t \xff\xfe é"
	paths(t, func(t *testing.T, local bool) {
		c := shell(`printf '%s|%s|%s' "$1" "$2" "$ODD"`, "sh", odd, "")
		c.Env = []string{"ODD=" + odd, "GODEBUG=nosuch=1", "GOGC=1"}
		if got, want := output(t, c, local), odd+"||"+odd; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestEnvironmentIsExact(t *testing.T) {
	env := []string{"B=2", "A=", "PATH=/usr/bin:/bin", "GOMAXPROCS=7", "JOBSD_MARK=x/y/1", "more=less", "a0=zero"}
	paths(t, func(t *testing.T, local bool) {
		c := with(program("/usr/bin/env"), func(c *Command) { c.Env = env })
		if got := output(t, c, local); got != strings.Join(env, "\n")+"\n" {
			t.Errorf("got %q", got)
		}
	})
}

// A command larger than any socket buffer passes through the shim, and the loop does not block on it.
func TestHugeCommand(t *testing.T) {
	c := shell("echo $#", "sh")
	for range 12 {
		c.Argv = append(c.Argv, strings.Repeat("x", 100_000))
	}
	if got := output(t, c, false); got != "12\n" {
		t.Errorf("got %q", got)
	}
}

func TestFiles(t *testing.T) {
	paths(t, func(t *testing.T, local bool) {
		if got := output(t, shell("cat; echo out; echo err >&2; echo end"), local); got != "out\nerr\nend\n" {
			t.Errorf("got %q", got)
		}
		c := shell("read line; test $? -ne 0 && echo discarded")
		if e := reap(t, mustLaunch(t, c, local).PID); e.Code != 0 {
			t.Errorf("with /dev/null: %+v", e)
		}
	})
}

func TestNoStrayDescriptors(t *testing.T) {
	needProc(t)
	paths(t, func(t *testing.T, local bool) {
		if got := output(t, program("/bin/ls", "/proc/self/fd"), local); got != "0\n1\n2\n3\n" { // 3 is the directory
			t.Errorf("got %q", got)
		}
	})
}

func TestSessionAndGroup(t *testing.T) {
	paths(t, func(t *testing.T, local bool) {
		p := mustLaunch(t, program("/bin/sleep", "1000"), local)
		if pgid, err := unix.Getpgid(p.PID); pgid != p.PID || err != nil {
			t.Errorf("group %d, %v", pgid, err)
		}
		if sid, err := unix.Getsid(p.PID); sid != p.PID || err != nil {
			t.Errorf("session %d, %v", sid, err)
		}
		if runtime.GOOS == "linux" && p.FD < 0 {
			t.Error("no pidfd")
		}
		if p.Inode == 0 && p.Start == 0 {
			t.Error("no identity")
		}
	})
}

func TestDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(err)
	file := write(t, filepath.Join(dir, "file"), "", 0o600)
	paths(t, func(t *testing.T, local bool) {
		for _, row := range []struct {
			dir      string
			optional bool
			want     string
		}{
			{dir, false, dir},
			{dir, true, dir},
			{dir + "/gone", true, "/"},
			{file, true, "/"},
		} {
			c := with(shell("pwd"), func(c *Command) { c.Dir, c.DirOptional = row.dir, row.optional })
			if got := output(t, c, local); got != row.want+"\n" {
				t.Errorf("%+v: got %q", row, got)
			}
		}
	})
}

// The shim finds a program that has moved since it was looked up.
func TestSecondLook(t *testing.T) {
	c := program("sh", "-c", "echo found")
	c.Path = "/nowhere/sh"
	if got := output(t, c, true); got != "found\n" {
		t.Errorf("got %q", got)
	}
	c = program("not-sh", "-c", "echo found") // but it does not look up a name that differs from the file's
	c.Path = "/nowhere/sh"
	fails(t, c, true, Error{StageExec, syscall.ENOENT, "/nowhere/sh", ""})
}

// The lookup returns the first file in PATH that may be executed, and skips others.
func TestLookup(t *testing.T) {
	a, b := openDir(t), openDir(t)
	write(t, a+"/tool", "#!/bin/sh\necho a", 0o644)
	write(t, b+"/tool", "#!/bin/sh\necho b", 0o755)
	must(os.Mkdir(a+"/cat", 0o755))
	c := with(program("tool"), func(c *Command) { c.Env = []string{"PATH=bin:" + a + "::" + b} })
	if got := output(t, c, true); got != "b\n" {
		t.Errorf("got %q", got)
	}
	c = with(program("cat"), func(c *Command) { c.Env = []string{"PATH=" + a + ":/usr/bin:/bin"} })
	if got := output(t, c, true); got != "" {
		t.Errorf("got %q", got)
	}
	c = with(program("./tool"), func(c *Command) { c.Dir = b })
	if got := output(t, c, true); got != "b\n" {
		t.Errorf("relative: got %q", got)
	}
}

func TestUmaskNiceLimits(t *testing.T) {
	c := shell("umask; nice; ulimit -n; ulimit -c; ulimit -t")
	c.Umask, c.Nice = 0o027, 19 // the most: these tests may be run by nice(1)
	c.Limits = []Limit{{"nofile", 33}, {"core", 0}, {"cpu", 1234}}
	if got := output(t, c, true); got != "0027\n19\n33\n0\n1234\n" {
		t.Errorf("got %q", got)
	}
	c = with(shell("umask"), func(c *Command) { c.Umask = 0 })
	if got := output(t, c, true); got != "0000\n" {
		t.Errorf("umask 0: got %q", got)
	}
}

// Every limit has a known name, and setting it to the daemon's own value always works.
func TestEveryLimit(t *testing.T) {
	for name, resource := range resources {
		var r syscall.Rlimit
		must(syscall.Getrlimit(resource, &r))
		c := with(shell("exit 0"), func(c *Command) { c.Limits = []Limit{{name, uint64(r.Max)}} })
		if p, err := launch(t, c, true); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			reap(t, p.PID)
		}
	}
}

func TestUnlimited(t *testing.T) {
	c := with(shell("ulimit -t"), func(c *Command) { c.Limits = []Limit{{"cpu", Unlimited}} })
	if got := output(t, c, true); got != "unlimited\n" {
		t.Errorf("got %q", got)
	}
}

// Go raises its own soft limit; started processes must not see that.
func TestSoftLimitIsNotGos(t *testing.T) {
	needProc(t)
	var r syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r))
	if r.Max < 200 || uint64(r.Max) == Unlimited {
		t.Skipf("hard limit is %d", r.Max)
	}
	direct := output(t, shell("ulimit -n"), true)
	if shim := output(t, shell("ulimit -n"), false); shim != direct {
		t.Errorf("direct %q, shim %q", direct, shim)
	}
}

func TestCredential(t *testing.T) {
	needRoot(t)
	paths(t, func(t *testing.T, local bool) {
		c := shell("id -u; id -g; id -G")
		c.Credential = &Credential{UID: 12345, GID: 23456, Groups: []uint32{34567, 45678}}
		if got := output(t, c, local); got != "12345\n23456\n23456 34567 45678\n" {
			t.Errorf("got %q", got)
		}
		c = shell("id -G")
		c.Credential = &Credential{UID: 12345, GID: 23456}
		if got := output(t, c, local); got != "23456\n" {
			t.Errorf("no groups: got %q", got)
		}
	})
}

func TestCredentialFailures(t *testing.T) {
	needRoot(t)
	dir := openDir(t)
	must(os.Mkdir(dir+"/closed", 0o700))
	write(t, dir+"/closed/tool", "#!/bin/sh\n", 0o755)
	write(t, dir+"/secret", "#!/bin/sh\n", 0o700)
	write(t, dir+"/env", "A=1\n", 0o600)
	nobody := &Credential{UID: 12345, GID: 23456}
	paths(t, func(t *testing.T, local bool) {
		for _, row := range []struct {
			command *Command
			want    Error
		}{
			{program(dir + "/closed/tool"), Error{StageExec, syscall.EACCES, dir + "/closed/tool", ""}},
			{program(dir + "/secret"), Error{StageExec, syscall.EACCES, dir + "/secret", ""}},
			{with(shell(""), func(c *Command) { c.Dir = dir + "/closed" }),
				Error{StageDir, syscall.EACCES, dir + "/closed", ""}},
			{with(shell(""), func(c *Command) { c.EnvFile = dir + "/env" }),
				Error{StageEnvFile, syscall.EACCES, dir + "/env", ""}},
		} {
			row.command.Credential = nobody
			fails(t, row.command, local, row.want)
		}
	})
}

// If a user is over the process limit, the kernel refuses exec, and the error is transient.
func TestTooManyProcesses(t *testing.T) {
	needRoot(t)
	user := &Credential{UID: 12346, GID: 23456}
	mustLaunch(t, with(program("/bin/sleep", "1000"), func(c *Command) { c.Credential = user }), true)
	for range 20 {
		c := with(shell(""), func(c *Command) { c.Limits, c.Credential = []Limit{{"nproc", 0}}, user })
		_, err := launch(t, c, true)
		if e := asError(t, err); e.Errno != syscall.EAGAIN || !e.Transient() {
			t.Errorf("%+v", e)
		}
	}
}

// The same for the process limit of the daemon, which its children inherit.
func TestTooManyProcessesForDaemon(t *testing.T) {
	needRoot(t)
	user := &Credential{UID: 12346, GID: 23456}
	mustLaunch(t, with(program("/bin/sleep", "1000"), func(c *Command) { c.Credential = user }), true)
	var r unix.Rlimit
	must(unix.Getrlimit(unix.RLIMIT_NPROC, &r))
	none := r
	none.Cur = 0
	must(unix.Setrlimit(unix.RLIMIT_NPROC, &none)) // it does not concern root
	defer unix.Setrlimit(unix.RLIMIT_NPROC, &r)
	c := with(program("/bin/true"), func(c *Command) { c.Credential = user })
	_, err := launch(t, c, true)
	if e := asError(t, err); e.Stage != StageExec || e.Errno != syscall.EAGAIN || e.Path != "/bin/true" || !e.Transient() {
		t.Errorf("%+v", e)
	}
}

func TestPrivilegesOfOthers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has permission for all of this")
	}
	paths(t, func(t *testing.T, local bool) {
		c := with(shell(""), func(c *Command) { c.Credential = &Credential{UID: 0, GID: 0} })
		fails(t, c, local, Error{StageUser, syscall.EPERM, "uid 0 gid 0", ""})
		c = with(shell(""), func(c *Command) { c.Nice = -20 })
		fails(t, c, local, Error{StageNice, syscall.EACCES, "-20", ""})
		var r syscall.Rlimit
		must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r))
		c = with(shell(""), func(c *Command) { c.Limits = []Limit{{"nofile", uint64(r.Max) + 1}} })
		fails(t, c, local, Error{StageLimits, syscall.EPERM, "nofile", ""})
	})
}

// A shim that is killed before exec does not count as a started program.
func TestShimKilled(t *testing.T) {
	for range 200 { // sometimes the shim is faster than the signal
		p, h, err := Start(remote(shell("exit 0"), true))
		must(err)
		must(SignalGroup(p, syscall.SIGKILL))
		e := shake(t, h)
		h.Close()
		reap(t, p.PID)
		p.Close()
		if e == nil {
			continue
		}
		if want := (Error{StageShim, syscall.ECANCELED, "/bin/sh", ""}); *e != want {
			t.Errorf("got %+v", e)
		}
		return
	}
	t.Error("no shim could be killed before exec")
}

// Verdict understands a shim's report in pieces of any size, and also an empty report.
func TestVerdict(t *testing.T) {
	for said, want := range map[string]Error{
		"":                             {StageShim, syscall.ECANCELED, "x", ""},
		"{":                            {StageShim, syscall.ECANCELED, "x", ""},
		"+{}":                          {StageShim, syscall.ECANCELED, "x", ""},
		"+exec\x002\x00/y\x00/bin\x00": {StageExec, syscall.ENOENT, "/y", "/bin"},
		"dir\x0013\x00/y\x00\x00":      {StageDir, syscall.EACCES, "/y", ""},
		"dir\x0013\x00/y\x00":          {StageShim, syscall.ECANCELED, "x", ""}, // incomplete
		"dir\x0013\x00/y\x00de":        {StageShim, syscall.ECANCELED, "x", ""},
		"dir\x00x\x00/y\x00\x00":       {StageShim, syscall.ECANCELED, "x", ""},
	} {
		h := &Handshake{name: "x", received: []byte(said)}
		if e := h.verdict(); e == nil || *e != want {
			t.Errorf("%q: %+v", said, e)
		}
	}
	h, w, err := newHandshake("x")
	must(err)
	defer h.Close()
	if done, e := h.Result(); done || e != nil {
		t.Errorf("before the report: %v, %v", done, e)
	}
	for _, b := range []byte{shim.Ready} {
		unix.Write(w, []byte{b})
		if done, e := h.Result(); done || e != nil {
			t.Errorf("in the middle of the report: %v, %v", done, e)
		}
	}
	unix.Close(w)
	if done, e := h.Result(); !done || e != nil {
		t.Errorf("at the end: %v, %v", done, e)
	}
	h.Close()
	h.Close()
	if h.FD() != -1 {
		t.Errorf("FD after Close = %d", h.FD())
	}
}

// A shim becomes the program even if the daemon ends meanwhile, so that the next daemon can adopt it.
func TestShimWithoutDaemon(t *testing.T) {
	for range 20 {
		p, h, err := Start(remote(shell("exit 7"), true))
		must(err)
		h.Close()
		if e := reap(t, p.PID); e.Code != 7 {
			t.Errorf("%+v", e)
		}
		p.Close()
	}
}

func TestNoLeaks(t *testing.T) {
	needProc(t)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		must(err)
		return len(entries)
	}
	before := count()
	for i := range 500 {
		c := shell("exit 0")
		if i%20 == 0 {
			c = program("/nosuch")
		}
		p, h, err := Start(remote(c, i%20 < 2))
		must(err)
		if h != nil {
			shake(t, h)
			h.Close()
		}
		reap(t, p.PID)
		p.Close()
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if e, ok := Reap(); ok {
		t.Errorf("unexpected child: %+v", e)
	}
}

// spoiled is a daemon whose parent ignored and blocked every signal and left a descriptor open.
func spoiled(args []string) {
	if len(args) > 0 {
		unix.Dup2(1, 9)
		spoilSignals()
		exe, err := os.Executable()
		must(err)
		must(unix.Exec(exe, []string{exe, "@helper", "spoiled"}, os.Environ()))
	}
	must(Prepare())
	notifyHangup()
	for _, local := range []bool{true, false} {
		for _, c := range []*Command{program("/bin/cat", "/proc/self/status"), program("/bin/ls", "/proc/self/fd")} {
			c.Output = 1
			p, h, err := Start(remote(c, !local))
			must(err)
			for done := h == nil; !done; {
				unix.Poll([]unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}, -1)
				var e *Error
				if done, e = h.Result(); e != nil {
					must(e)
				}
			}
			for {
				if e, ok := Reap(); ok {
					fmt.Println("reaped", e.PID == p.PID, e.Code)
					break
				}
				unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, -1)
			}
		}
	}
	fmt.Println("threads", strings.Join(lines(readFile("/proc/self/status"), "Threads:"), ""))
}

func readFile(name string) string {
	b, err := os.ReadFile(name)
	must(err)
	return string(b)
}

// Children get default signals, as from init, whatever the daemon inherited from its own parent.
func TestInheritedSignals(t *testing.T) {
	needProc(t)
	got := output(t, helper("spoiled", "first"), true)
	const none = "0000000000000000"
	child := []string{"SigBlk:\t" + none, "SigIgn:\t" + none}
	if found := lines(got, "SigBlk", "SigIgn"); !slices.Equal(found, append(child, child...)) {
		t.Errorf("children have %q", found)
	}
	if n := strings.Count(got, "reaped true 0\n"); n != 4 {
		t.Errorf("%d of 4 statuses are correct", n)
	}
	if n := strings.Count(got, "\n0\n1\n2\n3\nreaped"); n != 2 {
		t.Errorf("stray descriptors:\n%s", got)
	}
	var threads int
	_, err := fmt.Sscanf(got[strings.LastIndex(got, "threads"):], "threads Threads: %d", &threads)
	if err != nil || threads < 16 {
		t.Errorf("%d threads, %v", threads, err)
	}
}

func BenchmarkStart(b *testing.B) {
	each := func(name string, start func() (int, func())) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				pid, done := start()
				var status syscall.WaitStatus
				if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status != 0 {
					b.Fatal(status, err)
				}
				done()
			}
		})
	}
	spawn := func(local bool) (int, func()) {
		p, h, err := Start(remote(program("/bin/true"), !local))
		if err != nil {
			b.Fatal(err)
		}
		return p.PID, func() {
			if h != nil {
				h.Close()
			}
			p.Close()
		}
	}
	each("floor", func() (int, func()) {
		attr := &syscall.ProcAttr{Files: []uintptr{uintptr(null), uintptr(null), uintptr(null)}}
		pid, err := syscall.ForkExec("/bin/true", []string{"/bin/true"}, attr)
		if err != nil {
			b.Fatal(err)
		}
		return pid, func() {}
	})
	each("direct", func() (int, func()) { return spawn(true) })
	each("shim", func() (int, func()) { return spawn(false) })
}
