package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// A damaged line may have recorded anything about any job. Even its readable parts, such as the name of the job, may
// be the damaged ones. What to do depends on three questions.
//
// Could a slot have been taken, or could a run have ended? Always. So the daemon itself starts nothing that was due
// or started before the repair: all of it is in doubt, and counts as missed or lost.
//
// Could an order of a person be among the damaged lines? Each line has the number of orders so far, so the next good
// line shows it. If orders are missing, or no good line follows, all jobs are disabled until a person enables them.
//
// Could at_boot jobs have run in this boot? No, if a line after the damage belongs to an earlier boot, because then
// the damage does too.
//
// A readable checkpoint removes all doubt about the lines before it, because it repeats all facts.

const (
	// runsPerByte is the maximum number of run numbers that a byte of damaged lines may have used: a line that
	// reserves a hundred numbers has more than fifty bytes.
	runsPerByte = 2
	// lostRuns is added to the highest known run number if the number of used run numbers is unknown.
	lostRuns = 1_000_000
)

// doubt collects what reading a journal leaves uncertain.
type doubt struct {
	lines  int    // number of damaged lines since the last good checkpoint
	bytes  uint64 // size of the damaged lines
	blank  bool   // a file is missing, or does not begin with a checkpoint
	orders bool   // an order of a person may be among them
	boot   string // the boot of the lines after them; "": unknown
	latest Time   // latest time of a good line
	count  uint64 // number of orders according to the last good line
	counts bool   // the last good line has that number
	since  bool   // damage follows that line
}

// damage records a damaged line.
func (d *doubt) damage(size int) {
	d.lines++
	d.bytes += uint64(size)
	d.since, d.boot = true, ""
}

// missing records that a file or its checkpoint is missing.
func (d *doubt) missing() {
	d.blank, d.since, d.boot = true, true, ""
}

// whole records a good line and its number of orders. It returns an error if orders before it are missing although no
// line is damaged.
func (d *doubt) whole(e Entry, count uint64, counts bool) (gap error) {
	switch r := e.Record.(type) {
	case *Checkpoint:
		*d = doubt{}
	case *Start:
		d.boot = r.BootID
	case *Started:
		d.boot = r.BootID
	case *Epoch:
		if r.Reset { // earlier times are of a wrong clock
			d.latest = Time{}
		}
	}
	if e.At.Time().After(d.latest.Time()) {
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

var errGap = errors.New("lines before it are missing, or it comes from another place")

// any reports whether anything is in doubt.
func (d *doubt) any() bool { return d.lines > 0 || d.blank }

// entries returns the entries that a repair at the given time appends to the journal to record the doubt.
func (d *doubt) entries(f *Facts, now Time) []Entry {
	r := &Damaged{Lines: d.lines, LastRun: f.HighestRun() + runsPerByte*d.bytes, BootID: d.boot}
	if d.blank {
		r.LastRun += lostRuns
	}
	if d.latest.Time().After(now.Time()) {
		r.Until = d.latest
	}
	list := []Entry{{now, r}}
	if d.orders || d.since {
		list = append(list, Entry{now, &AllDisabled{By: disabledByDamage(f.DisabledBy, now)}})
	}
	return list
}

// orderReason is the reason for disabling all jobs after damage.
const orderReason = "the journal was damaged, so it is unknown which jobs a person has disabled or stopped;" +
	" check the jobs, then run jobsd enable --all"

// whoDamage is the name in DisabledBy if damage has disabled all jobs.
const whoDamage = "jobsd"

// ByDamage reports whether damage to the journal, and not a person, has disabled all jobs.
func (b *DisabledBy) ByDamage() bool { return b != nil && b.Who == whoDamage }

// disabledByDamage disables all jobs until a person has checked them. A person may already have disabled all jobs,
// perhaps only until a set time. That person did not know about the damage, so the time no longer applies, but the
// reason is kept.
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

// words describes the consequences of the doubt.
func (d *doubt) words(entries []Entry) []string {
	list := []string{fmt.Sprintf("because of the damage it is unknown which slots ran: slots before %s count as missed and are not made up for; "+
		"unfinished runs count as lost; retries and delayed starts are dropped", entries[0].At)}
	if len(entries) > 1 {
		list = append(list, "all jobs are disabled, because a damaged line may have been an order to disable or stop a job: "+
			"check the jobs, then run jobsd enable --all")
	}
	return list
}

// countsAsOrder reports whether a record decides if a job may run, for longer than the current run.
func countsAsOrder(r Record) bool {
	switch r.(type) {
	case *Disabled, *AllDisabled, *Held, *SetAside:
		return true
	}
	return false
}

const ordersKey = `,"orders":`

// ordersOf reads the number of orders, which is in front of the checksum.
func ordersOf(line []byte) (uint64, bool) {
	body, err := verified(line)
	i := bytes.LastIndex(body, []byte(ordersKey))
	if err != nil || i < 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(body[i+len(ordersKey):]), 10, 64)
	return n, err == nil
}
