package jobfile

import (
	"fmt"
	"time"

	"jobsd/internal/schedule"
)

var expectKeys = newKeys(
	row("success_within", "Longest time between two successes; a job that exceeds it is late.",
		notZero, 0, func(e *Expect) *time.Duration { return &e.SuccessWithin }),
	row("done_within", "Longest duration of a run; a run that exceeds it is slow, but is not stopped.",
		notZero, 0, func(e *Expect) *time.Duration { return &e.DoneWithin }),
)

// notZero is a duration without a default.
var notZero = func() typ[time.Duration] {
	d := duration(time.Second)
	d.write = func(time.Duration) any { return nil }
	return d
}()

// expect is a table of expectations; nil if it is empty.
var expect = typ[*Expect]{
	name: "table",
	form: Form{Item: Section},
	sub:  expectKeys.list,
	read: of(table, `a table such as {success_within = "26h"}`, func(r *reader, n *node) (*Expect, bool) {
		e := expectKeys.zero
		expectKeys.read(r, n, &e)
		if e == expectKeys.zero {
			return nil, true
		}
		return &e, true
	}),
	print: func(b []byte, e *Expect) []byte {
		if e == nil {
			return b
		}
		return expectKeys.print(b, e, 0)
	},
	schema: expectKeys.schema,
}

// expectations checks the expectations of a job against its schedule.
func (r *reader) expectations(n *node, d *draft) {
	e := d.Expect
	if e == nil || e.SuccessWithin == 0 || d.Schedule == nil || d.startsAgain() {
		return
	}
	if own := n.place("expect").get("success_within"); own != nil {
		r.failAs("expect.success_within", own, "nothing starts the job again and again: add a schedule, such as start_at, or remove this key")
		return
	}
	e.SuccessWithin = 0 // a default does not go with every job
	if *e == expectKeys.zero {
		d.Expect = nil
	}
}

// startsAgain reports whether something other than a person starts the job again and again. A single time and the boot of
// the machine do not: after that run, the job would become late although nothing is wrong. A job that is disabled at the
// moment counts too.
func (d *Definition) startsAgain() bool {
	k := d.Schedule.Kind()
	return k != schedule.None && k != schedule.At || d.After != nil || d.KeepAlive != nil
}

// gapsTried is how many slots from now on are looked at to find the longest gap of a schedule.
const gapsTried = 500

// tooTight warns if success_within does not allow for the longest gap of the schedule and the time that a run takes. Then
// the job is late although all of its runs succeed.
func (h *host) tooTight(d *Definition) (list []Doubt) {
	if d.Expect == nil || d.Expect.SuccessWithin == 0 || d.After != nil {
		return nil
	}
	within, gap := d.Expect.SuccessWithin, longestGap(d.Schedule, h.now)
	slack := min(gap/100, 15*time.Minute) // a run may take longer than the one before
	if done := d.Expect.DoneWithin; done > 0 {
		slack = min(slack, done)
	}
	if gap == 0 || within >= gap+slack {
		return nil
	}
	return []Doubt{{"expect.success_within", fmt.Sprintf("%s is too short for a gap of %s between two runs and the time that a run takes, "+
		"so the job will be late although it succeeds: write more, such as %q",
		schedule.FormatDuration(within), schedule.FormatDuration(gap), schedule.FormatDuration(roomy(gap, d.Expect.DoneWithin)))}}
}

// roomy returns a good success_within for a gap between two runs. done is the longest duration of a run, 0 if unknown.
func roomy(gap, done time.Duration) time.Duration {
	unit := time.Second
	switch {
	case gap >= 12*time.Hour:
		unit = time.Hour
	case gap >= 10*time.Minute:
		unit = time.Minute
	}
	more := gap + max(done, min(gap/12, 2*time.Hour))
	return (more + unit - 1).Truncate(unit)
}

// longestGap returns the longest gap of the schedule that it finds, 0 if there is none.
func longestGap(s *schedule.Schedule, now time.Time) (longest time.Duration) {
	if s.Interval() > 0 {
		return s.Interval()
	}
	slot := s.Next(now)
	for range gapsTried {
		next := s.Next(slot)
		if slot.IsZero() || next.IsZero() {
			break
		}
		longest = max(longest, next.Sub(slot))
		slot = next
	}
	return longest
}
