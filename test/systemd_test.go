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
	s.env = []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=100000"}
	s.startReady()
	manager.SetReadDeadline(time.Now().Add(waitLimit))
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		text := make([]byte, 100)
		n, err := manager.Read(text)
		if err != nil || string(text[:n]) != want {
			t.Fatalf("got %q, %v, want %q", text[:n], err, want)
		}
	}
	s.terminate()
}
