package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/testdir"
)

// The tests of this package reap with wait4(-1), so they do not run in parallel and do not use os/exec.

const patience = 30 * time.Second

// The test binary also serves as the shim and as the helper programs.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "@helper" {
		helpers[os.Args[2]](os.Args[3:])
		os.Exit(0)
	}
	if err := Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) { // under nohup(1); a daemon always catches these signals
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	remove := testdir.Open()
	code := m.Run()
	remove()
	os.Exit(code)
}

var helpers = map[string]func(args []string){
	"exit-on-term": exitOnTerm,
	"hoard":        hoard,
	"keeper":       keeper,
	"parent":       parent,
	"spoiled":      spoiled,
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(99)
	}
}

// exitOnTerm prints "ready" and exits with code 42 when it gets TERM.
func exitOnTerm([]string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("ready")
	<-c
	os.Exit(42)
}

// hoard uses 150 MiB.
func hoard([]string) {
	b := bytes.Repeat([]byte{1}, 150<<20)
	fmt.Println(len(b))
}

func helper(args ...string) *Command {
	exe, err := os.Executable()
	must(err)
	return &Command{
		Path: exe, Argv: append([]string{exe, "@helper"}, args...), Env: []string{"PATH=/usr/bin:/bin"},
		Umask: -1, Output: -1, Title: "shim",
	}
}

// program returns a command for a file, or for a name that the shim looks up.
func program(argv ...string) *Command {
	c := &Command{Argv: argv, Env: []string{"PATH=/usr/bin:/bin"}, Umask: -1, Output: -1, Title: "shim: test"}
	if filepath.IsAbs(argv[0]) {
		c.Path = argv[0]
	}
	return c
}

func shell(script string, args ...string) *Command {
	return program(append([]string{"/bin/sh", "-c", script}, args...)...)
}

// remote returns a copy of c. If far is true, only the shim can start it.
func remote(c *Command, far bool) *Command {
	again := *c
	again.MayHang = far
	return &again
}

// paths runs a test twice: with a direct start and with the shim.
func paths(t *testing.T, test func(t *testing.T, local bool)) {
	t.Run("direct", func(t *testing.T) { test(t, true) })
	t.Run("shim", func(t *testing.T) { test(t, false) })
}

// launch starts c and waits for the handshake. When the test ends, it kills and reaps the process.
func launch(t testing.TB, c *Command, local bool) (Process, error) {
	t.Helper()
	p, h, err := Start(remote(c, !local))
	if err != nil {
		return p, err
	}
	t.Cleanup(func() {
		until(t, "end of the test's processes", func() bool {
			for _, ok := Reap(); ok; _, ok = Reap() {
			}
			return SignalGroup(p, syscall.SIGKILL) == ErrGroupEmpty
		})
		p.Close()
	})
	if h == nil {
		return p, nil
	}
	defer h.Close()
	if e := shake(t, h); e != nil {
		return p, e
	}
	return p, nil
}

func shake(t testing.TB, h *Handshake) (e *Error) {
	t.Helper()
	until(t, "end of handshake", func() bool {
		unix.Poll([]unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}, 1000)
		var done bool
		done, e = h.Result()
		return done
	})
	return e
}

func mustLaunch(t testing.TB, c *Command, local bool) Process {
	t.Helper()
	p, err := launch(t, c, local)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// until waits for a condition that poll(2) cannot wait for.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("timed out; still no", what)
		}
	}
}

// reap waits for the end of the process with that pid, and also reaps others that end in the meantime.
func reap(t testing.TB, pid int) (e Exit) {
	t.Helper()
	until(t, fmt.Sprintf("exit of %d", pid), func() bool {
		for {
			var ok bool
			if e, ok = Reap(); !ok || e.PID == pid {
				return ok
			}
		}
	})
	return e
}

// output runs c to its end and returns what it wrote.
func output(t testing.TB, c *Command, local bool) string {
	t.Helper()
	f := outputFile(t)
	c.Output = int(f.Fd())
	p := mustLaunch(t, c, local)
	e := reap(t, p.PID)
	text := written(t, f)
	if e.Code != 0 {
		t.Fatalf("%q: code %d, signal %v: %s", c.Argv, e.Code, e.Signal, text)
	}
	return text
}

func outputFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "out"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func written(t testing.TB, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// write makes a file with exactly this mode, under any umask.
func write(t testing.TB, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// openDir returns a temporary directory that every user may enter.
func openDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	return dir
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func needProc(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs Linux's /proc")
	}
}

func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want an *Error", err)
	}
	return e
}

func lines(text string, prefixes ...string) (found []string) {
	for line := range strings.Lines(text) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found
}
