package test

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestSystemd: the daemon tells a service manager that it is ready and, regularly, that it is alive.
func TestSystemd(t *testing.T) {
	s := newServer(t)
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	// The disk keeps the daemon from getting ready until the manager, which does not read, has no room for messages.
	ready := filepath.Join(s.root, "ready")
	s.env = []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=20000", waitAt + "=state:1:" + ready}
	s.start()
	s.waitLogged(`cannot send "WATCHDOG=1"`)
	writeFile(t, ready, "")
	s.waitLogged(`cannot send "READY=1"`)
	manager.SetReadDeadline(time.Now().Add(waitLimit))
	read := func() string {
		text := make([]byte, 100)
		n, err := manager.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
	for got := read(); got != "READY=1"; got = read() {
		if got != "WATCHDOG=1" {
			t.Fatalf("got %q, want READY=1", got)
		}
	}
	for range 3 {
		if got := read(); got != "WATCHDOG=1" {
			t.Fatalf("got %q, want WATCHDOG=1", got)
		}
	}
	s.terminate()
}
