package runner

import (
	"jobsd/runner/core"
	"jobsd/statefile"
)

// record appends an entry. Entries must survive a power failure if a person has seen them or asked for them, or
// if forgetting them would run or send something twice.
func (d *disk) record(e statefile.Entry) {
	switch r := e.Record.(type) {
	case *statefile.Disabled, *statefile.AllDisabled, *statefile.Held, *statefile.SetAside, *statefile.NotRun, *statefile.Message, *statefile.Delivery:
		d.sync = true
	case *statefile.Reserved:
		d.sync, d.numbers = true, true
	case *statefile.Delayed:
		d.sync = true
		if r.HasArgs {
			d.keepArgs(r.Run, r.Args)
		}
	case *statefile.Dropped:
		d.sync = true
		d.delayedArgs.drop(r.Run)
	case *statefile.Ended:
		failpoint("ending")
		d.sync = true
		d.delayedArgs.drop(r.Outcome.Run)
	}
	d.append(e)
}

// keepArgs keeps the arguments of a run outside of the journal, because they may be secret.
func (d *disk) keepArgs(run uint64, args []string) {
	d.report("delayed starts", d.inStateDir(func() error { return d.delayedArgs.keep(run, args) }))
}

func (d *disk) append(e statefile.Entry) { d.entries = append(d.entries, e) }

// fail remembers that the journal lacks entries.
func (d *disk) fail(err error) {
	if err != nil && d.err == nil {
		d.err = err
	}
}

// rotateJournal begins a new journal file with the facts as they were when the loop handed them over.
func (d *disk) rotateJournal(facts *statefile.Facts) {
	failpoint("rotate")
	d.flush()
	d.asked = false
	d.fail(d.inStateDir(func() error { return d.journal.Rotate(facts, statefile.At(wallClock())) }))
}

// prepare appends the intent of a run. The answer waits for the flush.
func (d *disk) prepare(p core.Prepare) {
	failpoint("prepare")
	answer := prepared{run: p.Run}
	if p.Record != nil {
		if p.Record.HasArgs && !d.delayedArgs.runs[p.Run] {
			d.keepArgs(p.Run, p.Args)
		}
		d.append(statefile.Entry{At: p.At, Record: p.Record})
		d.sync, answer.sync = true, p.Record.Reason != statefile.ReasonService
	}
	d.waiting = append(d.waiting, answer)
	if len(d.waiting) >= d.batch {
		d.flush()
		d.batch = min(2*d.batch, maxFlush)
	}
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
	if len(d.places) > 0 && d.err == nil && d.trouble["journal"] == "" { // otherwise a checkpoint has them later
		d.post(recorded{d.places})
		d.places = nil
	}
	d.sync, d.numbers, d.err = false, false, nil
}

// answer releases the runs that need not wait any longer. The run of a service waits until the journal is written, so
// that a new daemon knows it, but not for the disk: after a power failure the service starts again anyway. All other
// runs must run only once. The journal may already hold the delayed start, the retry or the slot that the run settles,
// and would make it run again.
func (d *disk) answer(waits func(prepared) bool) {
	var rest, done []prepared
	for _, answer := range d.waiting {
		if waits(answer) {
			rest = append(rest, answer)
			continue
		}
		answer.err = d.err
		done = append(done, answer)
	}
	d.waiting = rest
	if len(done) > 0 {
		d.post(done)
	}
}

// deliver gives a message back once what it tells is durable, or cannot be: the message may be about a full disk.
func (d *disk) deliver(m core.Deliver) {
	d.sync = true
	d.waiting = append(d.waiting, prepared{message: &m, sync: true})
}
