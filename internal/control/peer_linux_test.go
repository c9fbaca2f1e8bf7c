package control

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// TestCaller: the program of a peer is known while it is there, and nobody else's is taken for it afterwards.
func TestCaller(t *testing.T) {
	if path := os.Getenv("TEST_CALLS"); path != "" { // it is the one that does not stay
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
	conn := b.dial()
	if _, err := conn.Write([]byte(`{"version":1,"verb":"reload"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if c, want := b.call().Caller, (Caller{os.Getpid(), os.Getuid(), exe}); c != want {
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
