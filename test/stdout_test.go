package test

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestBlockedOutput: nobody reads the standard output of the daemon. No run waits for it, the log of the job has all
// lines, and the daemon counts the lines that are missing on standard output. Then the reader goes away, which ends
// nothing.
func TestBlockedOutput(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.args = []string{"--output", "both"}
	s.writeJobs("jobs.toml", `
[[jobs]]
name = "flood"
shell = "yes this is a line of output that is repeated 100000 times | head -n 100000"
[[jobs]]
name = "short"
cmd = ["echo", "x"]
`)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.out = w
	s.startReady()
	w.Close()
	s.jobsd("start", "--wait", "flood")
	state := s.waitState("lines to be dropped", func(state *statefile.State) bool { return state.Daemon.DroppedLines > 0 })
	blocked := func(text string) bool { return strings.Contains(text, "nobody reads standard output") }
	if !slices.ContainsFunc(state.Daemon.Degraded, blocked) {
		t.Errorf("degraded: %q", state.Daemon.Degraded)
	}
	if n := strings.Count(s.jobsd("logs", "flood"), "\nthis is"); n != 100_000 {
		t.Errorf("the log has %d lines", n)
	}

	done := make(chan struct{})
	go func() { // until the pipe is empty and lines can come again
		defer close(done)
		buf := make([]byte, 64<<10)
		for text := ""; !strings.Contains(text, "short["); {
			n, err := io.ReadFull(r, buf[:1])
			if err != nil {
				return
			}
			k, _ := r.Read(buf[n:])
			text = text[max(0, len(text)-100):] + string(buf[:n+k])
		}
	}()
	s.waitState("standard output to recover", func(state *statefile.State) bool { return len(state.Daemon.Degraded) == 0 })
	s.jobsd("start", "--wait", "short")
	<-done
	if text := s.jobsd("status"); !strings.Contains(text, "lines of output that standard output did not take") {
		t.Errorf("status does not have the dropped lines:\n%s", text)
	}
	log, _ := os.ReadFile(s.log)
	if !strings.Contains(string(log), "standard output takes the output of jobs again: dropped_lines=") {
		t.Errorf("the log of the daemon does not have the number of lines:\n%s", log)
	}

	r.Close()
	s.jobsd("start", "--wait", "short")
	s.waitFor("a line about standard output in the log of the daemon", func() bool {
		text, _ := os.ReadFile(s.log)
		return strings.Contains(string(text), "broken pipe")
	})
	s.jobsd("start", "--wait", "short")
	if n := strings.Count(s.jobsd("logs", "short"), "\nx\n"); n != 3 {
		t.Errorf("the log has %d lines", n)
	}
	s.terminate()
	log, _ = os.ReadFile(s.log)
	if n := strings.Count(string(log), "cannot write the output of jobs to standard output"); n != 1 {
		t.Errorf("the daemon says %d times that standard output is broken", n)
	}
}
