package test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

var (
	laps  = flag.Int("laps", 12, "how often TestCrash kills the daemon")
	place = flag.String("at", "", "the failpoint at which TestCrash kills the daemon; without it, at random failpoints and moments")
)

// dieAt is an environment variable with the failpoint at which a daemon kills itself. For fork:3:20ms, the daemon
// reaches the failpoint "fork" for the third time, waits there for 20 ms while the rest of it continues, and then dies.
const dieAt = "TEST_DIES_AT"

func failpoint(at string) func(string) {
	f := strings.Split(at, ":")
	where := f[0]
	n, err := strconv.Atoi(f[1])
	if err != nil {
		panic(err)
	}
	pause, err := time.ParseDuration(f[2])
	if err != nil {
		panic(err)
	}
	var left atomic.Int64
	left.Store(int64(n))
	return func(name string) {
		if name == where && left.Add(-1) == 0 {
			time.AfterFunc(pause, func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) })
			select {}
		}
	}
}

var failpoints = []string{"prepare", "appended", "synced", "fork", "piped", "forked", "ending", "state", "rotate"}

// crashJob is a job that writes into a ledger: a line B when it begins, a line E when it ends.
const crashJob = `every = "1s"
shell = "echo B $JOBSD_JOB $JOBSD_SLOT $JOBSD_RUN $JOBSD_ATTEMPT >>LEDGER; sleep PAUSE; echo E $JOBSD_RUN $(date +%s%N) CODE >>LEDGER; exit CODE"
MORE
`

// TestCrash kills the daemon again and again, at random moments and where it hurts most. The jobs write into a ledger
// what was executed. No slot may be executed twice. The journal must say of each slot without execution that it is
// lost, skipped or missed. It must have each outcome that the daemon could know. A slot that the state file counted as
// skipped must stay skipped.
//
//	go test ./test -run TestCrash -laps 1000 -v
func TestCrash(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := newServer(t)
	s.runInMemory()
	ledger := filepath.Join(s.root, "ledger")
	job := func(name, more string, pause float64, code int) {
		r := strings.NewReplacer("LEDGER", ledger, "PAUSE", fmt.Sprint(pause), "CODE", fmt.Sprint(code), "MORE", more)
		s.writeJobs(name+".toml", r.Replace(crashJob))
	}
	for n := range 6 {
		job(fmt.Sprint("plain", n), "", 0.15*float64(n), n%2)
	}
	job("retries", "retries = 2\nretry_delay = \"100ms\"", 0.05, 1)
	job("strict", "catch_up = false", 0.1, 0)
	job("shim", "umask = \"027\"", 0.1, 0)
	job("slow", "", 1.3, 0)
	wasSkipped := map[string]uint64{} // how many slots the last state file counted as skipped

	began := time.Now()
	for lap := range *laps {
		s.env = nil
		lifetime := time.Duration(rng.IntN(400)) * time.Millisecond
		if lap%6 == 5 { // long enough for the audit to demand outcomes
			lifetime = 2 * exitGrace
		}
		if *place != "" {
			failpoints = []string{*place}
		}
		if *place != "" || rng.IntN(2) == 0 {
			s.env = []string{fmt.Sprintf("%s=%s:%d:%dms", dieAt, failpoints[rng.IntN(len(failpoints))],
				1+rng.IntN(12), 25*rng.IntN(3))}
			lifetime = 600 * time.Millisecond
		}
		s.start()
		s.waitReadyOrDead()
		select {
		case <-s.done:
		case <-time.After(lifetime): // the random moment
			s.cmd.Process.Signal(syscall.SIGKILL)
			<-s.done
		}
		s.cmd = nil
		state := s.readState()
		if state == nil { // the daemon died before it was ready for the first time
			continue
		}
		for name, j := range state.Jobs {
			if j.Skipped < wasSkipped[name] {
				t.Errorf("%s: got %d skipped slots, want at least %d as before", name, j.Skipped, wasSkipped[name])
			}
			wasSkipped[name] = j.Skipped
		}
	}
	s.env = nil
	s.startReady()
	skipped := uint64(0)
	for name, j := range s.readState().Jobs {
		if skipped += j.Skipped; j.Skipped < wasSkipped[name] {
			t.Errorf("%s: got %d skipped slots, want at least %d as before", name, j.Skipped, wasSkipped[name])
		}
	}
	t.Logf("%d slots are skipped", skipped)
	s.terminate()
	t.Logf("%d kills in %v", *laps, time.Since(began).Round(time.Second))
	audit(t, s, ledger)
}

// exitGrace is the time that a job gets from its last line in the ledger to its exit, and that the daemon gets to see
// the exit.
const exitGrace = 2 * time.Second

// life is the part of a daemon's life, by its own records in the journal, in which it must learn how its runs end. What
// comes after the last record may have been lost with the daemon, however long the daemon waited for the disk.
type life struct {
	ready, last time.Time
	started     map[uint64]bool // the runs that this daemon started
}

// sees reports whether the daemon must have recorded the outcome of a run that wrote its last line then. A daemon that
// is not root learns how an adopted process ended only after the process's new parent, here process 1, has reaped it.
// Some process 1 takes seconds for that, and the daemon may die before.
func (l life) sees(run uint64, over time.Time) bool {
	knows := l.started[run] || os.Getuid() == 0
	return knows && !l.ready.IsZero() && over.After(l.ready) && over.Add(exitGrace).Before(l.last)
}

// waitReadyOrDead waits until the daemon has adopted the running jobs, or has died.
func (s *server) waitReadyOrDead() {
	deadline := time.After(waitLimit)
	for {
		if state := s.readState(); state != nil && state.Daemon.PID == s.cmd.Process.Pid && state.Daemon.Reload.Done > 0 {
			return
		}
		select {
		case <-s.done:
			return
		case <-deadline:
			s.t.Fatal("timed out waiting for the daemon to be ready")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// runFacts is what journal and ledger say about a run.
type runFacts struct {
	intent *statefile.Intent // in the journal
	ended  *statefile.Run    // in the journal
	began  int               // the number of lines B in the ledger
	over   time.Time         // when line E was written into the ledger
	code   int               // in line E
}

// audit compares the ledger with the journal.
func audit(t *testing.T, s *server, ledger string) {
	runs := map[uint64]*runFacts{}
	of := func(run uint64) *runFacts {
		if runs[run] == nil {
			runs[run] = &runFacts{}
		}
		return runs[run]
	}
	var lives []life
	inLife := func(run uint64, over time.Time) bool {
		return !over.IsZero() && slices.ContainsFunc(lives, func(l life) bool { return l.sees(run, over) })
	}
	chain := chain{}
	notRun := map[string]int{}
	for e, err := range statefile.History(filepath.Join(s.root, "state")) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := e.Record.(*statefile.Start); ok {
			lives = append(lives, life{started: map[uint64]bool{}})
		} else if len(lives) > 0 {
			lives[len(lives)-1].last = e.At.Time()
		}
		switch r := e.Record.(type) {
		case *statefile.Ready:
			lives[len(lives)-1].ready = e.At.Time()
		case *statefile.Intent:
			of(r.Run).intent = r
			lives[len(lives)-1].started[r.Run] = true
		case *statefile.Ended:
			of(r.Outcome.Run).ended = &r.Outcome
		case *statefile.NotRun:
			notRun[r.Kind()] += int(r.Number)
		}
		chain.add(e.Record)
	}
	text, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	executions := map[string]uint64{}
	duplicates := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		number := func(i int) uint64 {
			n, err := strconv.ParseUint(f[i], 10, 64)
			if err != nil {
				t.Fatalf("got %q in the ledger, want a number: %v", lines.Text(), err)
			}
			return n
		}
		switch f[0] {
		case "B":
			run := number(3)
			of(run).began++
			key := strings.Join([]string{f[1], f[2], f[4]}, " ")
			if first := executions[key]; first != 0 {
				duplicates++
				t.Errorf("%s was executed by run %d and run %d", key, first, run)
			}
			executions[key] = run
		case "E":
			st := of(number(1))
			st.over, st.code = time.Unix(0, int64(number(2))), int(number(3))
		}
	}
	daemon, _ := os.ReadFile(s.log)
	unjournaled := bytes.Count(daemon, []byte("starting before its intent is on disk"))
	unaccounted := 0
	outcomes := map[string]int{}
	for run, st := range runs {
		switch {
		case st.intent == nil:
			if unjournaled--; unjournaled < 0 {
				unaccounted++
				t.Errorf("run %d was executed, but is not in the journal", run)
			}
			continue
		case st.ended == nil:
			unaccounted++
			t.Errorf("run %d of %s has no outcome", run, st.intent.Job)
			continue
		}
		what, stage := st.ended.Outcome, statefile.LostStage("")
		if st.ended.LostStage != nil {
			stage = *st.ended.LostStage
		}
		outcomes[strings.TrimSpace(string(what)+" "+string(stage))]++
		if stage == statefile.LostIntent {
			why := "the daemon does not know whether it was forked"
			if m := regexp.MustCompile(fmt.Sprintf("(?m)run %d does not start: (.*): job=", run)).FindSubmatch(daemon); m != nil {
				why = string(m[1])
			}
			t.Logf("run %d of %s, executed %d times, is lost at its intent: %s", run, st.intent.Job, st.began, why)
		}
		switch {
		case st.began > 1:
			t.Errorf("run %d began %d times, want once", run, st.began)
		case st.began == 0 && what != statefile.OutcomeLost && what != statefile.OutcomeStopped && what != statefile.OutcomeStartError:
			unaccounted++
			t.Errorf("run %d of %s was not executed, but got the outcome %s", run, st.intent.Job, what)
		case stage == statefile.LostIntent && st.began > 0 && (st.over.IsZero() || inLife(run, st.over)):
			t.Errorf("run %d of %s was executed, but the journal has only its intent", run, st.intent.Job)
		case what == statefile.OutcomeExited && *st.ended.ExitCode != st.code:
			t.Errorf("run %d: got exit code %d, want %d", run, *st.ended.ExitCode, st.code)
		case stage == statefile.LostStarted && inLife(run, st.over):
			t.Errorf("run %d of %s is lost, although it ended while a daemon ran", run, st.intent.Job)
		}
	}
	holes, slots := chain.holes(t)
	t.Logf("%d slots, %d runs, duplicates %d, unaccounted %d, outcomes %v, slots not run %v", slots, len(runs), duplicates,
		unaccounted+int(holes), outcomes, notRun)
}

// settled is what one record of the journal settles: a number of slots of a job, up to one slot.
type settled struct {
	slot, next time.Time // the next slots count from next
	number     uint64
}

// chain has what the journal settles of each job, in order to find slots that are missing in it.
type chain map[string][]settled

func (c chain) add(record statefile.Record) {
	var job string
	var s settled
	var anchor *statefile.Anchor
	switch r := record.(type) {
	case *statefile.Defined:
		job, anchor = r.Job, r.Anchor
	case *statefile.Intent:
		job, anchor, s.slot, s.number = r.Job, r.Anchor, r.Slot.Time(), 1+r.Missed // and the slots that it makes up for
		if r.Reason == statefile.ReasonCatchUp {
			s.number = r.Missed // the slot of the run is one of them
		}
	case *statefile.NotRun:
		job, anchor, s.slot, s.number = r.Job, r.Anchor, r.Last.Time(), r.Number
	}
	if anchor != nil {
		s.next = anchor.Wall.Time()
		c[job] = append(c[job], s)
	}
}

// holes returns how many records settle too few or too many slots, and the number of all settled slots.
func (c chain) holes(t *testing.T) (holes, slots uint64) {
	for job, list := range c {
		slices.SortStableFunc(list, func(a, b settled) int { return a.slot.Compare(b.slot) })
		for i, s := range list[1:] {
			slots += s.number
			if due := uint64(s.slot.Sub(list[i].next).Round(time.Second) / time.Second); due != s.number {
				holes++
				t.Errorf("%s: got %d settled slots up to %s, want %d since %s", job, s.number, s.slot, due, list[i].next)
			}
		}
	}
	return holes, slots
}
