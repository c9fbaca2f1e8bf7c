package test

import (
	"strconv"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestEmptiedLog: a run that empties the log file deletes the output of earlier runs. logs says so, and shows no line
// under the wrong run.
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
			return state.Jobs["j"].Runs > runs && len(state.Jobs["j"].Running) == 0 && state.Jobs["j"].LastRun != nil && state.Jobs["j"].LastRun.Output != nil
		})
	}
	run()
	run()
	for _, long := range []string{"", strings.Repeat("x", 5000)} { // the log is shorter than before, or longer
		run("empty", long)
		last := s.readState().Jobs["j"].LastRun.Run
		for n := uint64(1); n <= last; n++ {
			text, _ := s.command("logs", "--run", itoa(n), "j").CombinedOutput() // fails if the output is gone
			out := string(text)
			if has := strings.Contains(out, "run "+itoa(last)+" continues"); has != (n == last) {
				t.Errorf("run %d of %d: got the line of run %d: %t, want %t: %.300s", n, last, last, has, n == last, out)
			}
		}
		run()
		next := s.readState().Jobs["j"].LastRun.Run
		if out := s.jobsd("logs", "--run", itoa(next), "j"); !strings.Contains(out, "this is run "+itoa(next)) || strings.Contains(out, "continues") {
			t.Errorf("run %d after it: got %.300s, want its own line and no other", next, out)
		}
		if out := s.jobsd("logs", "--run", itoa(last), "j"); !strings.Contains(out, "run "+itoa(last)+" continues") {
			t.Errorf("run %d, seen after the next one: got %.300s, want what it wrote after it emptied the log", last, out)
		}
	}
	s.terminate()
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
