package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// A line that is damaged can have said anything of any job: what can be read of it, the name of the job included, may be
// what was damaged. What follows from that depends on three questions.
//
// May a slot have been taken, or a run have ended? Always. So nothing that was due or begun before the repair is started
// by the daemon itself: it is in doubt, and settled as missed or lost.
//
// May a person's order have been among the damaged lines? Each line counts the orders so far, so the next whole line
// tells. Where it is more by some, or there is no next line, all jobs are disabled until a person enables them.
//
// May at_boot jobs have run in this boot? If a line behind the damage is of an earlier boot, the damage is, too.
//
// A checkpoint that can be read ends all doubt about what stands before it, since it repeats all facts.

const (
	// runsPerByte is how many run numbers a byte of damaged lines may have used at most: a line that reserves a hundred of
	// them has more than fifty bytes.
	runsPerByte = 2
	// lostRuns is by how much the numbers of runs are moved on where nobody can tell how many were used.
	lostRuns = 1_000_000
)

// doubt gathers what the reading of a journal leaves uncertain.
type doubt struct {
	lines  int    // damaged ones, since the last whole checkpoint
	bytes  uint64 // of them
	blank  bool   // where a checkpoint belongs, or a file, there is none
	orders bool   // a person's order may be among them
	boot   string // a boot that the lines behind them are of; "": none of them tells
	latest Time   // that a whole line was written at
	count  uint64 // of orders, as the last whole line has it
	counts bool   // it has
	since  bool   // there was damage after that line
}

// damage notes a damaged line.
func (d *doubt) damage(size int) {
	d.lines++
	d.bytes += uint64(size)
	d.since, d.boot = true, ""
}

// missing notes that a file or its checkpoint is not there.
func (d *doubt) missing() {
	d.blank, d.since, d.boot = true, true, ""
}

// whole notes a line that can be read, and what it counts. It returns an error if orders are missing before it, although
// nothing is damaged.
func (d *doubt) whole(e Entry, count uint64, counts bool) (gap error) {
	switch r := e.Record.(type) {
	case *Checkpoint:
		*d = doubt{}
	case *Start:
		d.boot = r.BootID
	case *Started:
		d.boot = r.BootID
	case *Epoch:
		if r.Reset { // what the clock showed before says nothing
			d.latest = Time{}
		}
	}
	if e.At.After(d.latest.Time) {
		d.latest = e.At
	}
	if countsAsOrder(e.Record) {
		d.count++
	}
	if _, all := e.Record.(*Checkpoint); !all {
		same := d.counts && counts && count == d.count
		if !same && !d.since && d.counts {
			gap = errGap
			d.damage(0)
		}
		d.orders = d.orders || d.since && !same
	}
	d.count, d.counts, d.since = count, counts, false
	return gap
}

var errGap = errors.New("lines in front of it are missing or of another place")

// any tells whether something is in doubt.
func (d *doubt) any() bool { return d.lines > 0 || d.blank }

// entries returns what a repair at the given time adds to the journal for the doubt to be a fact.
func (d *doubt) entries(f *Facts, now Time) []Entry {
	r := &Damaged{Lines: d.lines, LastRun: f.HighestRun() + runsPerByte*d.bytes, BootID: d.boot}
	if d.blank {
		r.LastRun += lostRuns
	}
	if d.latest.After(now.Time) {
		r.Until = d.latest
	}
	list := []Entry{{now, r}}
	if d.orders || d.since {
		list = append(list, Entry{now, &AllDisabled{By: disabledByDamage(f.DisabledBy, now)}})
	}
	return list
}

// orderReason is why all jobs are disabled after damage, and what is to be done then.
const orderReason = "the journal was damaged: somebody may have disabled or stopped jobs, and nobody knows which;" +
	" look at the jobs, then run jobsd enable --all"

// whoDamage is who disables all jobs after damage.
const whoDamage = "jobsd"

// ByDamage tells whether no person but damage to the journal has disabled all jobs.
func (b *DisabledBy) ByDamage() bool { return b != nil && b.Who == whoDamage }

// disabledByDamage disables all jobs until a person has looked at them. All jobs may be disabled already, and perhaps only
// until a time: whoever did that did not know of the damage. Their reason stays.
func disabledByDamage(before *DisabledBy, now Time) *DisabledBy {
	by := &DisabledBy{Who: whoDamage, When: now, Reason: orderReason}
	switch {
	case before == nil:
	case before.ByDamage():
		by.Reason = before.Reason
	case before.Reason == "":
		by.Reason += "; before that, " + before.Who + " disabled all jobs"
	default:
		by.Reason += "; before that, " + before.Who + " disabled all jobs: " + before.Reason
	}
	return by
}

// words says what the doubt leads to.
func (d *doubt) words(entries []Entry) []string {
	list := []string{fmt.Sprintf("the damage leaves it in doubt which slots ran: those before %s count as missed and are not made up for; "+
		"runs that had not ended count as lost; retries and starts to come are given up", entries[0].At)}
	if len(entries) > 1 {
		list = append(list, "all jobs are disabled, since one of the damaged lines may have been an order to disable or stop a job: "+
			"look at the jobs, then run jobsd enable --all")
	}
	return list
}

// countsAsOrder tells whether a line decides for longer than the present run whether a job may run.
func countsAsOrder(r Record) bool {
	switch r.(type) {
	case *Disabled, *AllDisabled, *Held, *SetAside:
		return true
	}
	return false
}

const ordersKey = `,"orders":`

// ordersOf reads the count of orders, which stands in front of the checksum.
func ordersOf(line []byte) (uint64, bool) {
	body, err := verified(line)
	i := bytes.LastIndex(body, []byte(ordersKey))
	if err != nil || i < 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(body[i+len(ordersKey):]), 10, 64)
	return n, err == nil
}
