package cli

import (
	"fmt"
	"math"
	"os"
	"time"
)

// tailPoll is how often a run that was just started is looked for; the pause grows to tailSlow while it waits its turn.
const (
	tailPoll = 20 * time.Millisecond
	tailSlow = time.Second
)

// markPatience is how long the end of a run may take to get into the journal after it was told.
const markPatience = 10 * time.Second

// tail prints what one run writes, while it does. Runs beside it write to the same log.
type tail struct {
	*app
	site  *site
	job   string
	run   uint64
	log   *jobLog  // nil until the run is in the journal
	own   bool     // it is the run's own
	live  *os.File // as of jobLog.live
	at    int64    // offset of what is to be printed next
	pause time.Duration
}

// tick comes when there may be more.
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

// Write prints and counts.
func (t *tail) Write(text []byte) (int, error) {
	n, err := t.out.Write(text)
	t.at += int64(n)
	return n, err
}

// more prints what has come.
func (t *tail) more() (err error) {
	if t.log == nil {
		return t.open()
	}
	counting := &app{out: t, err: t.err}
	t.live, err = counting.more(t.log, t.live)
	return err
}

// open begins with the run's first byte, once the journal knows the run.
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

// finish prints the rest, as soon as the journal says where it ends.
func (t *tail) finish() error {
	for deadline := time.Now().Add(markPatience); ; time.Sleep(tailPoll) {
		log, err := t.site.openJobLog(t.job)
		if err != nil {
			return err
		}
		r := log.run(t.run)
		switch {
		case r != nil && r.to != math.MaxInt64:
			defer log.close()
			if t.own { // what was printed stands there now
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
