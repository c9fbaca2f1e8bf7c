package spawn

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Most tests of this package that use the shim test the quick shim if the test binary is linked with
// -ldflags=-E=jobsd/spawn.entry, as .ci/run does. The tests in this file say which commands are for it.

func script64(t *testing.T, c *Command, at uint64) []uint64 {
	t.Helper()
	b := scriptFor(c, c.instructions(), at)
	if len(b)%8 != 0 {
		b = append(b, make([]byte, 8-len(b)%8)...)
	}
	var words []uint64
	for ; len(b) > 0; b = b[8:] {
		words = append(words, binary.LittleEndian.Uint64(b))
	}
	return words
}

// Whatever fails, a script goes on with one of its steps, and it ends with the end of the process.
func TestScriptStaysInItself(t *testing.T) {
	const at, size = 0x10000, 9
	c := program("sleep", "1000")
	c.Env, c.Umask, c.Nice, c.Dir, c.DirOptional = []string{"PATH=/bin:x::/usr/bin"}, 0o27, 5, "/nowhere", true
	c.Credential = &Credential{UID: 12345, GID: 23456, Groups: []uint32{1, 2, 3}}
	words := script64(t, c, at)
	var calls []uint64
	steps := 0
	for i := 0; ; i += size {
		steps++
		calls = append(calls, words[i])
		if words[i] == unix.SYS_EXIT_GROUP {
			break
		}
	}
	for i, call := range calls {
		w := words[i*size:]
		for _, target := range w[7:9] {
			if step := (target - at) / 8 / size; call != unix.SYS_EXIT_GROUP && i < steps-2 && (target < at || (target-at)%(8*size) != 0 || step >= uint64(steps) || step <= uint64(i)) {
				t.Errorf("step %d of %d, call %d, goes on at step %d", i, steps, call, step)
			}
		}
		if errorAt := w[5]; errorAt != 0 && (errorAt < at+uint64(steps*size*8) || errorAt >= at+uint64(len(words)*8)) {
			t.Errorf("step %d stores an error at %#x", i, errorAt)
		}
	}
	want := []uint64{unix.SYS_FCNTL, unix.SYS_CLOSE, unix.SYS_UMASK, unix.SYS_SETPRIORITY, unix.SYS_KEYCTL, unix.SYS_SETGROUPS,
		unix.SYS_SETGID, unix.SYS_SETUID, unix.SYS_CHDIR, unix.SYS_CHDIR, unix.SYS_RT_SIGPROCMASK,
		unix.SYS_RT_SIGACTION, unix.SYS_WRITE, unix.SYS_RT_SIGACTION,
		unix.SYS_FACCESSAT, unix.SYS_EXECVE, unix.SYS_FACCESSAT, unix.SYS_EXECVE, // /bin and /usr/bin
		unix.SYS_FCNTL, unix.SYS_EXECVE, unix.SYS_FCNTL, unix.SYS_EXECVE, // the shim that is written in Go
		unix.SYS_WRITE, unix.SYS_EXIT_GROUP}
	if len(calls) != len(want) {
		t.Fatalf("the calls are\n%v, want\n%v", calls, want)
	}
	for i := range want {
		if calls[i] != want[i] {
			t.Errorf("call %d is %d, want %d", i, calls[i], want[i])
		}
	}
}

// After the switch to the user, the shim that is written in Go must not try it again.
func TestScriptSwitchesOnce(t *testing.T) {
	c := with(program("/bin/true"), func(c *Command) { c.Credential, c.Nice = &Credential{UID: 12345, GID: 23456}, 7 })
	b := scriptFor(c, c.instructions(), 0)
	for text, want := range map[string]int{"\x00uid=12345\x00": 1, "\x00nice=7\x00": 1, "\x00nice=0\x00": 1, "\x00a0=/bin/true\x00": 1} {
		if got := bytes.Count(b, []byte(text)); got != want {
			t.Errorf("%q occurs %d times, want %d", text, got, want)
		}
	}
}

func TestNotForQuickShim(t *testing.T) {
	for name, change := range map[string]func(*Command){
		"env_file": func(c *Command) { c.EnvFile = "/e" },
		"limits":   func(c *Command) { c.Limits = []Limit{{"core", 0}} },
		"NUL":      func(c *Command) { c.Argv = append(c.Argv, "a\x00b") },
		"size":     func(c *Command) { c.Argv = append(c.Argv, strings.Repeat("x", maxScript)) },
	} {
		c := with(shell(""), change)
		if b := scriptFor(c, c.instructions(), 1<<20); b != nil {
			t.Errorf("%s: there is a script of %d bytes", name, len(b))
		}
	}
}

func TestQuickShimIsUsed(t *testing.T) {
	if quickAddress() == 0 {
		t.Skip("the test was linked without -ldflags=-E=jobsd/spawn.entry, or for another machine than x86-64")
	}
	c := remote(shell("exit 0"), true)
	fd := quick(c, c.instructions())
	if fd < 0 {
		t.Fatal("there is no quick shim for a simple command")
	}
	unix.Close(fd)
}
