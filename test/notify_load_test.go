package test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// failAtOnce writes jobs that all fail at the same time, soon, with notifications to these targets.
func (s *server) failAtOnce(jobs int, shell, notify string) {
	s.t.Helper()
	at := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
	var b strings.Builder
	for n := range jobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\nat = %q\nshell = %q\nnotify = %s\n", n, at, shell, notify)
		if n%500 == 499 || n == jobs-1 {
			s.writeJobs(fmt.Sprintf("f%d.toml", n/500), b.String())
			b.Reset()
		}
	}
}

// TestHangingReceivers lets 100 jobs run and fail at the same time, while a receiver and sendmail hang. No job waits for
// them, nor does another receiver. The test logs the longest turn of the loop and the delay of the other messages.
func TestHangingReceivers(t *testing.T) {
	t.Parallel()
	const jobs = 100
	release := make(chan struct{})
	h := newReceivers(t, func(_ http.ResponseWriter, r *http.Request, _ []received) {
		if r.URL.Path == "/hangs" {
			<-release
		}
	})
	defer close(release)
	s := newServer(t)
	s.env = []string{deliveryPause + "=1h"} // one attempt each, however long this takes
	hung := filepath.Join(s.root, "hung")
	writeProgram(t, filepath.Join(s.root, "sendmail"), fmt.Sprintf("#!/bin/sh\necho $$ >>%s\nexec sleep 999\n", hung))
	s.settings(fmt.Sprintf("[mail]\nsendmail = %q\nfrom = \"jobs@example.org\"\n[notify.hangs]\nurl = %q\n[notify.works]\nurl = %q\n",
		filepath.Join(s.root, "sendmail"), h.URL+"/hangs", h.URL+"/works"))
	s.failAtOnce(jobs, "sleep 0.5; exit 3", `{to = ["hangs", "works"], mail = "ops@example.org"}`)
	s.startReady()
	events := func() (n int) {
		for _, r := range h.of("works") {
			b := r.json(t)
			n += len(b.Events) + b.More
		}
		return n
	}
	s.waitFor("all failures to arrive", func() bool { return events() >= jobs })
	s.waitState("all jobs to have failed", func(state *statefile.State) bool {
		failed := 0
		for _, j := range state.Jobs {
			if r := j.LastRun; r != nil && r.Outcome == statefile.OutcomeExited && *r.ExitCode == 3 {
				failed++
			}
		}
		return failed == jobs
	})
	if n := events(); n != jobs {
		t.Errorf("got %d events, want %d", n, jobs)
	}
	if n := len(h.of("hangs")); n != 1 {
		t.Errorf("the receiver that hangs got %d requests, want 1", n)
	}
	pids, _ := os.ReadFile(hung)
	pid, err := strconv.Atoi(strings.TrimSpace(string(pids)))
	if err != nil {
		t.Fatalf("want one mailer that hangs, got %q", pids)
	}
	all, _, _ := s.notifications()
	var longest time.Duration
	for _, r := range h.of("works") {
		for _, e := range r.json(t).Events {
			longest = max(longest, r.at.Sub(all[numberOf(t, e.ID)].At.Time()))
		}
	}
	// The first TERM waits for messages on their way, the second one does not.
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.waitLogged("stopping all jobs")
	s.kill(syscall.SIGTERM)
	s.waitGone(pid)
	t.Logf("%d messages; the longest time from an outcome to its message was %v; %s", len(h.of("works")), longest.Round(time.Millisecond), s.longestTurn())
}

// waitGone waits until a process has ended.
func (s *server) waitGone(pid int) {
	s.t.Helper()
	if err := poll(waitLimit, nil, func() bool { return !isAlive(pid) }); err != nil {
		s.t.Fatalf("%v while the test waited for the end of the process %d", err, pid)
	}
}

// logged returns the log of the daemon.
func (s *server) logged() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// longestTurn returns what the daemon says about the longest turn of its loop.
func (s *server) longestTurn() string {
	m := turnLine.FindAllStringSubmatch(s.logged(), -1)
	if len(m) == 0 {
		return "no longest turn"
	}
	return "longest turn " + m[len(m)-1][1]
}

// droppedLine is the line of the log about notifications that were dropped because too many are owed.
var droppedLine = regexp.MustCompile(`too many notifications are pending for target (\w+): dropped=(\d+)`)

// TestManyFailures lets many jobs fail at once, with a receiver that is slow and one that does not work. What is owed and
// sent is bounded: the failures for a receiver come together in few messages, and if too many are owed to it, the oldest
// are dropped and the log says how many. With -long, there are so many jobs that this happens.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	jobs := 150
	if *long {
		jobs = 1100
	}
	failed := make(chan struct{})
	h := newReceivers(t, func(w http.ResponseWriter, r *http.Request, _ []received) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		<-failed
	})
	s := newServer(t)
	s.settings(fmt.Sprintf("[notify.fails]\nurl = %q\n[notify.works]\nurl = %q\n", h.URL+"/fails", h.URL+"/works"))
	s.failAtOnce(jobs, "echo line; exit 3", `{to = ["fails", "works"]}`)
	s.startReady()
	most := map[string]int{}
	owed := func() map[string]int {
		n := map[string]int{}
		for _, o := range s.owed() {
			n[o.Via]++
		}
		for via := range n {
			most[via] = max(most[via], n[via])
		}
		return n
	}
	s.waitFor("all jobs to fail", func() bool {
		owed()
		all, _, _ := s.notifications()
		return len(all) == 2*jobs
	})
	close(failed)
	s.waitFor("the slow receiver to get all", func() bool { return owed()["works"] == 0 })
	s.terminate()

	all, _, last := s.notifications()
	dropped := map[string]int{}
	for id, d := range last {
		if d.Error != "" && d.RetryAt.IsZero() {
			dropped[all[id].Via]++
		}
	}
	got := map[string]int{} // events, by message
	for _, r := range h.of("works") {
		b := r.json(t)
		got[b.ID] = len(b.Events) + b.More
	}
	sum := 0
	for _, n := range got {
		sum += n
	}
	t.Logf("%d failures: the slow receiver got %d in %d messages, dropped %v, at most %v were owed; %s", jobs, sum, len(got), dropped, most, s.longestTurn())
	if sum+dropped["works"] != jobs {
		t.Errorf("the slow receiver got %d failures, and %d were dropped, want %d", sum, dropped["works"], jobs)
	}
	if len(got) > jobs/10 { // a message does not wait for events whose output is not complete yet
		t.Errorf("got %d messages for %d failures, want them together in few", len(got), jobs)
	}
	for via, n := range most {
		if n > 1100 { // what one turn adds is dropped at its end
			t.Errorf("%d are owed to %s, want at most 1,000 at the end of a turn", n, via)
		}
	}
	logged := map[string]int{}
	for _, m := range droppedLine.FindAllStringSubmatch(s.logged(), -1) {
		n, _ := strconv.Atoi(m[2])
		logged[m[1]] += n
	}
	if !maps.Equal(logged, dropped) {
		t.Errorf("the log says that %v were dropped, the journal says %v", logged, dropped)
	}
}
