package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestHeartbeat: the daemon requests the URL at once and then at intervals. While that fails, status shows it.
// A person can send one.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	h := newReceivers(t, func(w http.ResponseWriter, _ *http.Request, got []received) {
		if len(got) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	s := newServer(t)
	s.settings(fmt.Sprintf("[heartbeat]\nurl = %q\nevery = \"10s\"\n", h.URL+"/beat?token=xyzzy"))
	s.startReady()
	s.waitState("the trouble", func(state *statefile.State) bool { return len(state.Daemon.Degraded) == 1 })
	out, err := s.command("status").CombinedOutput()
	if want := "degraded:  cannot send the heartbeat: the receiver answered 502 Bad Gateway"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("status: got %v and\n%s\nwant %q", err, out, want)
	}
	got := h.wait("beat", 2)
	s.waitState("the end of the trouble", func(state *statefile.State) bool { return len(state.Daemon.Degraded) == 0 })
	if out, err := s.command("status").CombinedOutput(); err != nil || !strings.Contains(string(out), "heartbeat: every 10s\n") {
		t.Errorf("status: got %v and\n%s", err, out)
	}
	s.terminate()
	for _, r := range got {
		if r.method != http.MethodGet || r.path != "/beat?token=xyzzy" || r.body != "" {
			t.Errorf("got the heartbeat\n%s", r.String())
		}
	}
	if n := len(h.of("beat")); n != 2 {
		t.Errorf("got %d heartbeats, want 2", n)
	}
	out, err = s.command("notify", "test", "heartbeat").CombinedOutput()
	if string(out) != "delivered to heartbeat (heartbeat): 200 OK\n" || err != nil || len(h.of("beat")) != 3 {
		t.Errorf("notify test: got %v and\n%s", err, out)
	}
}
