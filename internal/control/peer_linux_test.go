package control

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/fusetest"
)

// TestCaller: the server knows the program of a peer that is alive. It reports no program for a peer that has ended.
func TestCaller(t *testing.T) {
	if path := os.Getenv("TEST_CALLS"); path != "" { // this process is the client that ends at once
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(`{"version":1,"verb":"reload"}` + "\n")); err != nil {
			t.Fatal(err)
		}
		return
	}
	b := newBench(t, t.TempDir())
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	program := strings.TrimSpace(string(comm))
	conn := b.dial()
	if _, err := conn.Write([]byte(`{"version":1,"verb":"reload"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if c, want := b.call().Caller, (Caller{os.Getpid(), os.Getuid(), program}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	conn.Close()

	gone := exec.Command(exe, "-test.run=^TestCaller$")
	gone.Env = append(os.Environ(), "TEST_CALLS="+b.path)
	if out, err := gone.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if c, want := b.call().Caller, (Caller{gone.Process.Pid, os.Getuid(), ""}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// TestCallerHides: a client connects and then starts an exec that never ends. The server does not wait for it.
func TestCallerHides(t *testing.T) {
	if path := os.Getenv("TEST_CALLS"); path != "" { // this process is the client with the endless exec
		s, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err == nil {
			err = syscall.Connect(s, &syscall.SockaddrUnix{Name: path})
		}
		if err == nil {
			_, err = syscall.Open(os.Getenv("TEST_FILE"), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		}
		t.Fatal(err, syscall.Exec("/bin/sleep", []string{"sleep", "1000"}, nil))
	}
	b := newBench(t, t.TempDir())
	file, flushes, release := fusetest.HangOnClose(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hides := exec.Command(exe, "-test.run=^TestCallerHides$")
	hides.Env = append(os.Environ(), "TEST_CALLS="+b.path, "TEST_FILE="+file)
	if err := hides.Start(); err != nil {
		t.Fatal(err)
	}
	<-flushes
	turned := make(chan bool)
	go func() { b.turn(); close(turned) }()
	select {
	case <-turned:
	case <-time.After(patience):
		t.Error("the server hangs")
	}
	release()
	hides.Process.Kill()
	hides.Wait()
	<-turned
}
