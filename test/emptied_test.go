package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestEmptiedLog: a run that empties its log, as `> /dev/stderr` does, loses what earlier runs wrote. This is said, and
// no run is shown the lines of another as its own.
func TestEmptiedLog(t *testing.T) {
	s := newSite(t)
	s.write("j.toml", `shell = 'echo "this is run $JOBSD_RUN"; case "$1" in empty) : >"$JOBSD_ROOT/log/j.log"; echo "run $JOBSD_RUN goes on$2";; esac; exit 1'
notify.on_failure = ["true"]
log.keep = 2
`)
	s.begin()
	run := func(args ...string) {
		t.Helper()
		runs := uint64(0)
		if state := s.read(); state.Jobs["j"] != nil {
			runs = state.Jobs["j"].Runs
		}
		s.tell(append([]string{"start", "j", "--"}, args...)...)
		s.until("the run to end", func(state *statefile.State) bool {
			return state.Jobs["j"].Runs > runs && len(state.Jobs["j"].Running) == 0 && state.Jobs["j"].LastRun != nil
		})
	}
	degraded := func() string { return strings.Join(s.read().Daemon.Degraded, "\n") }
	const said = "empties its log"
	run()
	run()
	if text := degraded(); strings.Contains(text, said) {
		t.Error(text)
	}
	for _, long := range []string{"", strings.Repeat("x", 5000)} { // what is then shorter than before, and what is longer
		run("empty", long)
		last := s.read().Jobs["j"].LastRun.Run
		s.until("it to be said", func(state *statefile.State) bool {
			return strings.Contains(strings.Join(state.Daemon.Degraded, "\n"), said)
		})
		log, err := os.ReadFile(filepath.Join(s.root, "log", "j.log"))
		if err != nil || !strings.Contains(string(log), "\n== run ") || !strings.Contains(string(log), " emptied this log\n") {
			t.Errorf("%v, the log says %.300s", err, log)
		}
		for n := uint64(1); n <= last; n++ {
			out := s.tell("logs", "--run", itoa(n), "j")
			if has := strings.Contains(out, "run "+itoa(last)+" goes on"); has != (n == last) {
				t.Errorf("run %d of %d: %.300s", n, last, out)
			}
		}
		run()
		next := s.read().Jobs["j"].LastRun.Run
		if out := s.tell("logs", "--run", itoa(next), "j"); !strings.Contains(out, "this is run "+itoa(next)) || strings.Contains(out, "goes on") {
			t.Errorf("the run after: %.300s", out)
		}
		if text := degraded(); strings.Contains(text, said) {
			t.Errorf("after a run that left its log alone: %s", text)
		}
		if out := s.tell("logs", "--run", itoa(last), "j"); !strings.Contains(out, "run "+itoa(last)+" goes on") || strings.Contains(out, "this is") {
			t.Errorf("run %d after the next: %.300s", last, out)
		}
	}
	s.term()
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
