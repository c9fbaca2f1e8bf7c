package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestEmptiedLog: a run that empties its log, as `> /dev/stderr` does, deletes the output of earlier runs. The daemon
// reports it, and logs shows no line under the wrong run.
func TestEmptiedLog(t *testing.T) {
	s := newServer(t)
	s.writeJobs("j.toml", `shell = 'echo "this is run $JOBSD_RUN"; case "$1" in empty) : >"$JOBSD_ROOT/log/j.log"; echo "run $JOBSD_RUN continues$2";; esac; exit 1'
notify.on_failure = ["true"]
log.keep = 2
`)
	s.startReady()
	run := func(args ...string) {
		t.Helper()
		runs := uint64(0)
		if state := s.readState(); state.Jobs["j"] != nil {
			runs = state.Jobs["j"].Runs
		}
		s.jobsd(append([]string{"start", "j", "--"}, args...)...)
		s.waitState("the run to end", func(state *statefile.State) bool {
			return state.Jobs["j"].Runs > runs && len(state.Jobs["j"].Running) == 0 && state.Jobs["j"].LastRun != nil
		})
	}
	const said = "empties its log"
	reported := func(state *statefile.State) bool {
		return strings.Contains(strings.Join(state.Daemon.Degraded, "\n"), said)
	}
	run()
	run()
	if state := s.readState(); reported(state) {
		t.Errorf("got degraded %q before any run emptied its log", state.Daemon.Degraded)
	}
	for _, long := range []string{"", strings.Repeat("x", 5000)} { // the log is shorter than before, or longer
		run("empty", long)
		last := s.readState().Jobs["j"].LastRun.Run
		s.waitState("the report", reported)
		log, err := os.ReadFile(filepath.Join(s.root, "log", "j.log"))
		if err != nil || !strings.Contains(string(log), "\n== run ") || !strings.Contains(string(log), " emptied this log\n") {
			t.Errorf("got %v, %.300s, want a log marker that says that the log was emptied", err, log)
		}
		for n := uint64(1); n <= last; n++ {
			out := s.jobsd("logs", "--run", itoa(n), "j")
			if has := strings.Contains(out, "run "+itoa(last)+" continues"); has != (n == last) {
				t.Errorf("run %d of %d: got the line of run %d: %t, want %t: %.300s", n, last, last, has, n == last, out)
			}
		}
		run()
		next := s.readState().Jobs["j"].LastRun.Run
		if out := s.jobsd("logs", "--run", itoa(next), "j"); !strings.Contains(out, "this is run "+itoa(next)) || strings.Contains(out, "continues") {
			t.Errorf("run %d after it: got %.300s, want its own line and no other", next, out)
		}
		s.waitState("the end of the report, after a run that did not empty its log", func(state *statefile.State) bool { return !reported(state) })
		if out := s.jobsd("logs", "--run", itoa(last), "j"); !strings.Contains(out, "run "+itoa(last)+" continues") || strings.Contains(out, "this is") {
			t.Errorf("run %d, seen after the next one: got %.300s, want only what it wrote after it emptied the log", last, out)
		}
	}
	s.terminate()
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
