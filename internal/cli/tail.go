package cli

import (
	"fmt"
	"io"
	"time"

	"jobsd/internal/joblog"
)

// tailPoll is the first pause between two looks for a run that was just started. The pause grows to tailSlow while the run is
// pending.
const (
	tailPoll = 20 * time.Millisecond
	tailSlow = time.Second
)

// endPatience is how long the end of the output may take to reach the journal after the daemon has reported the outcome.
const endPatience = 10 * time.Second

// tail prints the output of one run as it comes.
type tail struct {
	*app
	site  *site
	job   string
	run   uint64
	log   *jobLog // nil until the start marker is in the journal
	from  *joblog.Follower
	out   io.Writer
	done  int64 // bytes of the log after the start marker that were read
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
		t.log.Close()
	}
}

// Write prints what the Follower reads, and counts it.
func (t *tail) Write(text []byte) (int, error) {
	n, err := t.out.Write(text)
	t.done += int64(n)
	return n, err
}

// more prints new output.
func (t *tail) more() error {
	if t.log == nil {
		if err := t.open(); err != nil || t.log == nil {
			return err
		}
	}
	return t.from.More(t)
}

// open opens the log once the start of the run is in the journal.
func (t *tail) open() error {
	log, err := t.site.openJobLog(t.job)
	if err != nil {
		return err
	}
	r := log.run(t.run)
	if r == nil || !r.found {
		log.Close()
		return nil
	}
	t.log, t.out = log, log.only(t.app.out, r, r.from)
	t.from, err = log.Follow(r.from)
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
		case r != nil && r.place != nil && r.place.To != nil:
			defer log.Close()
			if r.place.Stdout {
				fmt.Fprintln(t.err, "jobsd: the output went to the standard output of the daemon")
			}
			if !r.found && (t.done > 0 || !log.rest(r)) { // a rotation has removed what comes next
				return nil
			}
			if t.out == nil {
				t.out = log.only(t.app.out, r, r.from)
			}
			return log.print(t.out, r.from+t.done, r.to)
		case time.Now().After(deadline):
			log.Close()
			return fmt.Errorf("cannot print all output of run %d: its end is not in the journal", t.run)
		}
		log.Close()
	}
}
