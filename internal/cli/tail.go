package cli

import (
	"fmt"
	"math"
	"os"
	"time"
)

// tailPoll is the first pause between two looks for a run that was just started. The pause grows to tailSlow while the run is
// pending.
const (
	tailPoll = 20 * time.Millisecond
	tailSlow = time.Second
)

// endPatience is how long the end of a run may take to reach the journal after the daemon has reported it.
const endPatience = 10 * time.Second

// tail prints the output of one run as it comes. Parallel runs may write to the same log.
type tail struct {
	*app
	site  *site
	job   string
	run   uint64
	log   *jobLog  // nil until the run is in the journal
	own   bool     // log is the run's own file
	live  *os.File // see jobLog.live
	at    int64    // offset of the next byte to print
	pause time.Duration
}

// tick returns a channel that fires when it is time to look for more output.
func (t *tail) tick() <-chan time.Time {
	if t.log != nil {
		t.pause = followPoll
	} else {
		t.pause = max(tailPoll, min(t.pause*3/2, tailSlow))
	}
	return time.After(t.pause)
}

func (t *tail) close() {
	if t.log != nil {
		t.log.close()
	}
}

// Write prints text and advances the offset.
func (t *tail) Write(text []byte) (int, error) {
	n, err := t.out.Write(text)
	t.at += int64(n)
	return n, err
}

// more prints new output.
func (t *tail) more() (err error) {
	if t.log == nil {
		return t.open()
	}
	counting := &app{out: t, err: t.err}
	t.live, err = counting.more(t.log, t.live)
	return err
}

// open opens the log and prints the run's output so far, once the run is in the journal.
func (t *tail) open() error {
	log, err := t.site.openJobLog(t.job)
	if err != nil {
		return err
	}
	r := log.run(t.run)
	if r != nil && r.own {
		own, err := log.ownOf(t.run)
		log.close()
		if err != nil {
			return err
		}
		log, r, t.own = own, &logRun{}, true
	}
	if r == nil || log.empty() {
		log.close()
		return nil
	}
	t.log, t.at = log, max(r.from, log.from())
	to := max(t.at, log.to())
	if err := log.print(t, t.at, to); err != nil {
		return err
	}
	t.at = to
	t.live, err = log.live()
	return err
}

// finish prints the rest, as soon as the journal says where the output ends.
func (t *tail) finish() error {
	for deadline := time.Now().Add(endPatience); ; time.Sleep(tailPoll) {
		log, err := t.site.openJobLog(t.job)
		if err != nil {
			return err
		}
		r := log.run(t.run)
		switch {
		case r != nil && r.to != math.MaxInt64:
			defer log.close()
			if t.own { // the log now also has what was printed from the run's own file
				t.at += r.from
			}
			return log.print(t.out, max(t.at, r.from, log.from()), min(r.to, log.to()))
		case time.Now().After(deadline):
			log.close()
			return fmt.Errorf("cannot print all output of run %d: its end is not in the journal", t.run)
		}
		log.close()
	}
}
