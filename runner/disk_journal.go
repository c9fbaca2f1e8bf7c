package runner

import (
	"errors"
	"fmt"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/statefile"
)

// record appends an entry. Entries must survive a power failure if a person has seen them or asked for them, or
// if forgetting them would run or send something twice.
func (d *disk) record(e statefile.Entry) {
	d.outputs.note(e.Record)
	switch r := e.Record.(type) {
	case *statefile.Disabled, *statefile.AllDisabled, *statefile.Held, *statefile.SetAside, *statefile.NotRun, *statefile.Delivery:
		d.sync = true
	case *statefile.Reserved:
		d.sync, d.numbers = true, true
	case *statefile.Delayed:
		d.sync = true
		if r.HasArgs {
			d.report("delayed starts", d.inStateDir(func() error { return d.delayedArgs.keep(r) }))
		}
	case *statefile.Dropped:
		d.sync = true
		d.delayedArgs.drop(r.Run)
	}
	d.append(e)
}

func (d *disk) append(e statefile.Entry) { d.entries = append(d.entries, e) }

// fail remembers that the journal lacks entries.
func (d *disk) fail(err error) {
	if err != nil && d.err == nil {
		d.err = err
	}
}

// rotateJournal begins a new journal file with the facts as they were when the loop handed them over. Only the disk
// knows the base offsets of the logs, so it adds them.
func (d *disk) rotateJournal(facts *statefile.Facts) {
	failpoint("rotate")
	d.flush()
	d.asked = false
	for name, base := range d.base {
		if j := facts.Jobs[name]; j != nil {
			j.LogBase = base
		}
	}
	d.outputs.complete(facts)
	d.fail(d.inStateDir(func() error { return d.journal.Rotate(facts, statefile.At(wallClock())) }))
}

// prepare opens the log of a run, writes the start marker and appends the intent. The answer waits for the flush.
func (d *disk) prepare(p core.Prepare) {
	failpoint("prepare")
	answer := prepared{run: p.Run}
	offset, log, err := d.openRunLog(p)
	answer.log, answer.err = log, err
	hasMarker := false
	if log != nil && p.Record != nil {
		_, err := fmt.Fprintf(log, "== %s\n", startMarker(p.Run, statefile.At(p.At.In(p.Job.Schedule.Location()))))
		hasMarker = err == nil
	}
	if log != nil && p.Marker != "" {
		fmt.Fprintf(log, "== %s\n", p.Marker)
	}
	if p.Record != nil {
		p.Record.LogOffset, p.Record.OwnLog = offset, hasRunLog(p)
		d.outputs.began(p.Run, span{job: p.Job.Name, start: offset, own: p.Record.OwnLog, hasMarker: hasMarker})
		if !p.Record.OwnLog {
			d.watchLog(p.Run, p.Job)
		}
		d.append(statefile.Entry{At: p.At, Record: p.Record})
		d.sync, answer.sync = true, p.Record.Reason != statefile.ReasonService
	}
	if p.Mail != nil {
		answer.mail = true
		answer.input, answer.err = d.writeMail(p.Mail)
	}
	d.waiting = append(d.waiting, answer)
	if len(d.waiting) >= d.batch {
		d.flush()
		d.batch = min(2*d.batch, maxFlush)
	}
}

// ended writes the marker and appends the outcome with the end of the run's output.
func (d *disk) ended(f core.Finish) {
	failpoint("ending")
	if f.Record.Open {
		f.Record.LogEnd = d.logEnd(f.Record.Job)
	} else {
		f.Record.LogEnd = d.closeLog(f.Record.Outcome.Run, f.Record.Job, f.Job, f.Marker)
	}
	d.outputs.ended(f.Record)
	d.delayedArgs.drop(f.Record.Outcome.Run)
	d.append(statefile.Entry{At: f.At, Record: f.Record})
	d.sync = true
}

// endOutput writes the marker of a run that ended earlier, and appends where its output is.
func (d *disk) endOutput(e core.EndOutput) {
	e.Record.LogEnd = d.closeLog(e.Record.Run, e.Record.Job, e.Job, e.Marker)
	d.outputs.closed(e.Record)
	d.append(statefile.Entry{At: e.At, Record: e.Record})
}

// closeLog ends the output of a run with its marker and returns where the output ends.
func (d *disk) closeLog(run uint64, name string, job *jobfile.Definition, marker string) int64 {
	d.appendRunLog(run, name, job)
	d.checkEmptied(run, job)
	d.unwatchLog(run, name)
	if job == nil || marker == "" {
		return d.logEnd(name)
	}
	return d.writeMarker(job, marker)
}

// flush makes the appended entries durable and answers the runs that waited for that.
func (d *disk) flush() {
	if len(d.entries) > 0 {
		d.fail(d.journal.Append(d.entries...))
		d.entries = nil
		failpoint("appended")
	}
	if d.sync && d.err == nil {
		if !d.numbers {
			d.answer(func(p prepared) bool { return p.sync })
		}
		d.fail(d.journal.Sync())
		failpoint("synced")
	}
	if d.journal.NeedsCheckpoint() && !d.asked && readClocks().Mono >= d.retry {
		d.asked = true
		d.post(needCheckpoint{})
	}
	if d.err != nil || !d.journal.NeedsCheckpoint() {
		d.report("journal", d.err)
	}
	d.answer(func(prepared) bool { return false })
	d.sync, d.numbers, d.err = false, false, nil
}

// answer releases the runs that need not wait any longer. The run of a service waits until the journal is written, so
// that a new daemon knows it, but not for the disk: after a power failure the service starts again anyway. All other
// runs must run only once. The journal may already hold the delayed start, the retry or the slot that the run settles,
// and would make it run again.
func (d *disk) answer(waits func(prepared) bool) {
	rest := d.waiting[:0]
	for _, answer := range d.waiting {
		if waits(answer) {
			rest = append(rest, answer)
			continue
		}
		if !answer.mail { // a mail does not depend on the journal
			answer.err = errors.Join(answer.err, d.err)
		}
		d.post(answer)
	}
	clear(d.waiting[len(rest):])
	d.waiting = rest
}

// close closes the files that were opened for a run, which its process has by then.
func (p prepared) close() {
	if p.log != nil {
		p.log.Close()
	}
	if p.input != nil {
		p.input.Close()
	}
}
