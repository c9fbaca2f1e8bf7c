package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/statefile"
)

// These are the requests of the loop to the disk, besides the core's Append, Prepare and Deliver.
type (
	publish struct {
		changes []core.Change
		daemon  statefile.Daemon
		ready   bool // the first load is in force
		known   bool // a load has read all definitions
		loaded  bool // a load came into force in this turn
	}
	checkpoint struct{ facts *statefile.Facts }
	recorded   struct{ runs []uint64 } // an answer, too, when the places of their outputs are in the journal
	quit       struct {
		facts *statefile.Facts // the facts at the end
		done  chan struct{}
	}
)

// These are the answers of the disk, besides core.Trouble.
type (
	prepared struct {
		run     uint64
		message *core.Deliver // or a message that can be delivered now
		sync    bool          // its intent must survive a power failure, or it would run twice
		err     error
	}
	needCheckpoint struct{}
	published      struct{}
)

const (
	// firstFlush and maxFlush limit how many intents share one flush. If a thousand jobs are due at once, the first
	// must not wait for the log of the last. Later flushes are larger, so that more intents share the cost.
	firstFlush = 16
	maxFlush   = 256
	// retryWait is the pause before a failed write is retried.
	retryWait = time.Second
)

// CloseWait is how long an ending daemon waits for its disk. Tests on slow disks raise it.
var CloseWait = 10 * time.Second

// disk is the helper that does everything that may wait for a disk: journal and state. It works in the order of
// the requests, so that the journal records events in the order in which they happened.
type disk struct {
	in          *inbox[[]any]
	post        func(any)
	journal     *statefile.Journal
	state       *statefile.Writer
	pace        statefile.Pace
	delayedArgs *delayedArgs

	logDir   string
	stateDir string
	runDir   string
	lock     *os.File // the lock of the state directory

	entries   []statefile.Entry // entries for the next flush
	waiting   []prepared        // answers that are held until the flush
	places    []uint64          // runs whose places are among the entries
	sync      bool              // an entry that must be durable was appended
	numbers   bool              // run numbers were reserved; no run may get one before that is durable
	batch     int               // the number of intents that share the next flush
	err       error             // the error of the journal since the last flush
	asked     bool              // a checkpoint was requested
	dirty     bool              // the state has changed since it was written
	ready     bool              // the first load is in force
	known     bool              // a load has read all definitions, so the state has all jobs
	hold      time.Duration     // until then the state file of the previous daemon stays, monotonic
	carried   map[string]bool   // jobs that were taken over from it; nil: not done
	announced bool              // the loop knows that the state is published
	trouble   map[string]string
	retry     time.Duration // when failed writes may be retried
	collector *collector
}

func newDisk(o Options, config *jobfile.Config, journal *statefile.Journal, facts *statefile.Facts, gc *collector,
	delayed *delayedArgs, post func(any)) (*disk, []string, error) {
	state, said, err := statefile.OpenWriter(o.Dirs.State)
	if err != nil {
		return nil, nil, err
	}
	d := &disk{in: newInbox[[]any](), post: post, journal: journal, state: state, logDir: o.Dirs.Log, stateDir: o.Dirs.State,
		runDir: o.Dirs.Run, lock: o.lock,
		delayedArgs: delayed, hold: readClocks().Mono + firstLoadWait,
		collector: gc, batch: firstFlush, trouble: map[string]string{}}
	d.in.put([]any{share{config.Group}})
	return d, said, nil
}

// close finishes all requests. It returns false if the disk does not answer in time.
func (d *disk) close(facts *statefile.Facts) bool {
	done := make(chan struct{})
	d.in.put([]any{quit{facts, done}})
	select {
	case <-done:
		return true
	case <-time.After(CloseWait):
		return false
	}
}

func (d *disk) run() {
	quiet := false // nothing has happened since the last pause began
	for {
		select {
		case <-d.in.wake:
		case <-d.pause(quiet):
		}
		requests := d.in.Take()
		quiet = len(requests) == 0 && !d.dirty
		for _, ops := range requests {
			for _, op := range ops {
				if q, ok := op.(quit); ok {
					d.finish(q)
					return
				}
				d.do(op)
			}
		}
		d.flush()
		d.batch = firstFlush
		if d.dirty && d.writeWait() <= 0 {
			d.write()
		}
		if !d.dirty && d.collector.due(quiet) {
			d.collector.collect(quiet)
		}
	}
}

// pause returns a channel that ends the wait for the next message early: when the state may be written again, a failed
// write retried, or memory returned to the system.
func (d *disk) pause(quiet bool) <-chan time.Time {
	wait := time.Duration(-1)
	sooner := func(w time.Duration) {
		if w = max(0, w); wait < 0 || w < wait {
			wait = w
		}
	}
	switch {
	case d.dirty:
		sooner(d.writeWait())
	case d.trouble["journal"] != "" && !d.asked:
		sooner(d.retry - readClocks().Mono)
	case !quiet && d.collector.due(true):
		sooner(quietWait)
	}
	if wait < 0 {
		return nil
	}
	return time.After(wait)
}

func (d *disk) do(op any) {
	switch op := op.(type) {
	case core.Append:
		d.record(op.Entry)
	case core.Prepare:
		d.prepare(op)
	case core.Deliver:
		d.deliver(op)
	case recorded:
		d.places = append(d.places, op.runs...)
	case publish:
		d.update(op)
	case share:
		d.share(op.group)
	case checkpoint:
		d.rotateJournal(op.facts)
	default:
		panic(fmt.Sprintf("unknown request %T", op))
	}
}

// inStateDir runs a function that needs the state directory. If the directory was removed, inStateDir creates and locks
// it again and repeats the call.
func (d *disk) inStateDir(do func() error) error {
	err := do()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = statefile.Remake(d.lock, d.stateDir, d.runDir)
	if err == nil {
		err = errors.Join(d.journal.Move(d.stateDir), d.state.Move(d.stateDir))
	}
	if err == nil {
		err = do()
	}
	return err
}

// report posts the trouble of a part, or its end, and sets the time of the retry.
func (d *disk) report(part string, err error) {
	text := ""
	if err != nil {
		text = nameless(err)
		if now := readClocks().Mono; now >= d.retry { // frequent failures must not delay the retry
			d.retry = now + retryWait
		}
	}
	if d.trouble[part] == text {
		return
	}
	if d.trouble[part] = text; text == "" {
		delete(d.trouble, part)
	}
	d.post(core.Trouble{Part: part, Text: text})
}

// nameless formats an error without the names of temporary files, so that the same trouble always has the same text.
func nameless(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		dir := filepath.Dir(e.Path)
		if !filepath.IsAbs(dir) { // the names of state file and journal are relative to an open directory
			dir = "the state directory"
		}
		return fmt.Sprintf("cannot %s in %s: %v", strings.TrimSuffix(e.Op, "at"), dir, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Sprintf("cannot %s %s: %v", e.Op, e.New, e.Err)
	}
	return err.Error()
}

// finish writes the last data of a daemon. If the journal lacks entries, it writes a checkpoint itself: nobody will
// request one any more, and the next daemon would start again what it does not know.
func (d *disk) finish(q quit) {
	d.sync = true
	d.flush()
	if d.dirty {
		d.write()
	}
	if d.journal.NeedsCheckpoint() {
		d.rotateJournal(q.facts)
	}
	d.journal.Close()
	close(q.done)
}
