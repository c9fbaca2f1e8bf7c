package core

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// at returns a time of 2026-06-02, or of another day of that month: "03 06:00:00".
func at(t *testing.T, s string) time.Time {
	t.Helper()
	if len(s) == len("06:00:00") {
		s = "02 " + s
	}
	v, err := time.Parse("2006-01-02 15:04:05", "2026-06-"+s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// momentAt returns a moment of boot "b" of epoch 1. The machine was booted on the first of the month.
func momentAt(t *testing.T, s string) moment {
	now := at(t, s)
	return moment{Now: Now{Wall: now, Boot: now.Sub(at(t, "01 00:00:00"))}, bootID: "b", epoch: 1}
}

func slotsOf(t *testing.T, k schedule.Keys) *schedule.Schedule {
	t.Helper()
	s, errs := schedule.Parse(k, time.UTC, at(t, "01 00:00:00"))
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return s
}

// TestSlotbookTimes says for times of the clock what the book shows and decides.
func TestSlotbookTimes(t *testing.T) {
	minutes := schedule.Keys{Cron: []string{"* * * * *"}}
	for name, c := range map[string]struct {
		keys    schedule.Keys
		last    string // the latest slot that was handed out
		epochAt string // the clock went back after that, to this time
		now     string
		jitter  time.Duration
		catchUp time.Duration
		doubt   bool
		fresh   bool
		want    string
	}{
		"before":               {keys: dailyKeys("6am"), last: "01 06:00:00", now: "05:59:59", want: "next 02 06:00:00"},
		"at the instant":       {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:00:00", want: "schedule 02 06:00:00"},
		"2 s late":             {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:00:02", want: "schedule 02 06:00:00"},
		"3 s late":             {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:00:03", want: "missed 1 late"},
		"caught up":            {keys: dailyKeys("6am"), last: "01 06:00:00", now: "09:00:00", catchUp: -1, want: "catch_up 02 06:00:00, missed 1 late"},
		"just in time":         {keys: dailyKeys("6am"), last: "01 06:00:00", now: "09:00:00", catchUp: 3 * time.Hour, want: "catch_up 02 06:00:00, missed 1 late"},
		"too late":             {keys: dailyKeys("6am"), last: "01 06:00:00", now: "09:00:01", catchUp: 3 * time.Hour, want: "missed 1 late"},
		"several":              {keys: dailyKeys("6am"), last: "01 06:00:00", now: "05 06:00:00", want: "schedule 05 06:00:00, missed 3 late"},
		"several, all late":    {keys: dailyKeys("6am"), last: "01 06:00:00", now: "05 07:00:00", catchUp: -1, want: "catch_up 05 06:00:00, missed 4 late"},
		"in doubt":             {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:00:00", catchUp: -1, doubt: true, want: "missed 1 doubt"},
		"delayed":              {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:04:59", jitter: 5 * time.Minute, want: "next 02 06:05:00"},
		"delayed, on time":     {keys: dailyKeys("6am"), last: "01 06:00:00", now: "06:05:01", jitter: 5 * time.Minute, want: "schedule 02 06:00:00"},
		"the clock went back":  {keys: dailyKeys("6am"), last: "02 06:00:00", epochAt: "02 05:30:00", now: "06:00:00", want: "next 03 06:00:00"},
		"wild, clock back":     {keys: minutes, last: "02 06:00:00", epochAt: "02 05:30:00", now: "05:31:00", want: "schedule 02 05:31:00"},
		"wild, clock not back": {keys: minutes, last: "02 06:00:00", now: "05:31:00", want: "next 02 06:01:00"},
		"at":                   {keys: atKeys("2026-06-02 06:00"), last: "01 06:00:00", now: "06:00:30", want: "missed 1 late"},
		"at, just loaded":      {keys: atKeys("2026-06-02 06:00"), last: "01 06:00:00", now: "06:00:30", fresh: true, want: "schedule 02 06:00:00"},
		"at, over":             {keys: atKeys("2026-06-02 06:00"), last: "02 06:00:00", now: "06:00:30", want: "never"},
		"no schedule":          {now: "06:00:00", want: "never"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := slotsOf(t, c.keys), momentAt(t, c.now)
			last := at(t, cmp.Or(c.last, "01 00:00:00"))
			b := slotbook{last: instantOf(last), epochSlot: instantOf(last), epoch: 1, jitter: c.jitter, delay: c.jitter, fresh: c.fresh}
			if c.epochAt != "" {
				m.epoch, m.epochAt = 2, statefile.At(at(t, c.epochAt))
			}
			if got := b.shown(s, c.catchUp, c.doubt, m); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
			if got := b.look(s, c.catchUp, m); got.number > 0 {
				t.Fatalf("slots are handed out twice: %+v", got)
			}
		})
	}
}

// shown looks into the book, hands out what is due, and says what it showed.
func (b *slotbook) shown(s *schedule.Schedule, catchUp time.Duration, doubt bool, m moment) string {
	const layout = "02 15:04:05"
	o := b.look(s, catchUp, m)
	switch {
	case o.number == 0 && o.next.IsZero():
		return "never"
	case o.number == 0:
		return "next " + o.next.UTC().Format(layout)
	}
	v, text := b.judge(o, s, catchUp, doubt, m), ""
	if v.reason != "" {
		text = string(v.reason) + " " + o.newest.UTC().Format(layout)
	}
	if v.missed != nil {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s %d %s", v.missed.Kind(), v.missed.Number, v.missed.Reason)
	}
	return text
}

// TestSlotbookIntervals says the same for `every`, counted from an anchor on the second at 00:00.
func TestSlotbookIntervals(t *testing.T) {
	for name, c := range map[string]struct {
		boot    string        // the boot of the anchor
		step    time.Duration // the wall clock was set since the anchor
		now     string        // before that step
		catchUp time.Duration
		want    string
		anchor  string // the anchor then
	}{
		"before":                {boot: "b", now: "05:59:59", want: "next 02 06:00:00", anchor: "02 00:00:00"},
		"due":                   {boot: "b", now: "06:00:01", want: "schedule 02 06:00:00", anchor: "02 06:00:00"},
		"caught up":             {boot: "b", now: "13:00:00", catchUp: -1, want: "catch_up 02 12:00:00, missed 2 late", anchor: "02 13:00:00"},
		"missed":                {boot: "b", now: "13:00:00", want: "missed 2 late", anchor: "02 12:00:00"},
		"the clock was set":     {boot: "b", now: "06:00:00", step: time.Hour, want: "schedule 02 07:00:00", anchor: "02 07:00:00"},
		"the clock is adjusted": {boot: "b", now: "06:00:00", step: time.Second, want: "schedule 02 06:00:00", anchor: "02 06:00:00"},
		"another boot":          {boot: "a", now: "06:00:01", want: "schedule 02 06:00:00", anchor: "02 06:00:00"},
		"another boot, later":   {boot: "a", now: "03 00:30:00", catchUp: time.Hour, want: "catch_up 03 00:00:00, missed 4 late", anchor: "03 00:30:00"},
		"anchor in the future":  {boot: "a", now: "01 01:00:00", want: "next 01 06:00:00", anchor: "02 00:00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := slotsOf(t, everyKeys("6h")), momentAt(t, c.now)
			m.Wall = m.Wall.Add(c.step)
			anchor := momentAt(t, "00:00:00").anchor()
			anchor.BootID = c.boot
			b := slotbook{anchor: &anchor}
			if got := b.shown(s, c.catchUp, false, m); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := b.anchor.Wall.Time().UTC().Format("02 15:04:05"); got != c.anchor {
				t.Errorf("the anchor is %s, want %s", got, c.anchor)
			}
		})
	}
}

// TestCountFrom: slots before that time are settled, and the phase of an `every` stays.
func TestCountFrom(t *testing.T) {
	m := momentAt(t, "07:30:00")
	anchor := momentAt(t, "00:00:00").anchor()
	b := slotbook{last: instantOf(at(t, "06:00:00")), epochSlot: instantOf(at(t, "06:00:00")), epoch: 1, anchor: &anchor}
	if a := b.countFrom(m.Wall, slotsOf(t, everyKeys("1h")), m); a == nil || !a.Wall.Time().Equal(at(t, "07:00:00")) || b.anchor != a {
		t.Errorf("anchor %+v", a)
	}
	if got := b.shown(slotsOf(t, everyKeys("1h")), -1, false, m); got != "next 02 08:00:00" {
		t.Error(got)
	}
	if a := b.countFrom(m.Wall, slotsOf(t, dailyKeys("7am")), m); a != nil || !b.last.time().Equal(m.Wall) {
		t.Errorf("%+v %v", a, b.last.time())
	}
	b.countFrom(at(t, "07:00:00"), slotsOf(t, dailyKeys("7am")), m) // the clock went back a little after a slot
	if !b.last.time().Equal(m.Wall) || !b.epochSlot.time().Equal(m.Wall) {
		t.Errorf("counts from %v, %v", b.last.time(), b.epochSlot.time())
	}
}

// TestClockCorrected: the time between the slots of a wrong clock and those of the right one is not missed.
func TestClockCorrected(t *testing.T) {
	beyond := at(t, "20 06:00:00")
	m := momentAt(t, "20 06:30:00")
	b := slotbook{last: instantOf(at(t, "06:00:00")), epochSlot: instantOf(at(t, "06:00:00")), epoch: 1}
	b.stepped(at(t, "06:30:00"), beyond, m)
	if !b.last.time().Equal(beyond) {
		t.Errorf("the last slot is %v after the step", b.last)
	}
	b = slotbook{last: instantOf(at(t, "06:00:00")), epochSlot: instantOf(at(t, "06:00:00")), epoch: 1}
	b.stepped(at(t, "20 06:29:00"), beyond, m) // time has passed until then, and then a small step
	if !b.last.time().Equal(at(t, "06:00:00")) {
		t.Errorf("the last slot is %v, and the slots before it are lost", b.last)
	}
	b.forgetFuture(at(t, "05:00:00"))
	if !b.last.time().Equal(at(t, "05:00:00")) {
		t.Errorf("the last slot is %v, in the future", b.last)
	}
}

// TestDelayStays: a slot that is being delayed keeps its delay when that of the job changes.
func TestDelayStays(t *testing.T) {
	b := slotbook{jitter: time.Hour, delay: time.Hour, next: instantOf(at(t, "07:00:00"))}
	b.setDelay(time.Minute, at(t, "05:00:00"))
	if b.jitter != time.Minute {
		t.Errorf("a slot in the future is delayed by %v", b.jitter)
	}
	b = slotbook{jitter: time.Hour, delay: time.Hour, next: instantOf(at(t, "07:00:00"))}
	b.setDelay(time.Minute, at(t, "06:30:00"))
	if b.jitter != time.Hour || b.delay != time.Minute {
		t.Errorf("delayed by %v, and then by %v", b.jitter, b.delay)
	}
	b.handOut(at(t, "06:00:00"), momentAt(t, "07:00:00"))
	if b.jitter != time.Minute {
		t.Errorf("the next slot is delayed by %v", b.jitter)
	}
}

func TestNotRun(t *testing.T) {
	row := func(missed bool, reason statefile.Cause, first, last string, n uint64) *statefile.NotRun {
		return &statefile.NotRun{Missed: missed, Reason: reason, First: statefile.At(at(t, first)), Last: statefile.At(at(t, last)), Number: n, Epoch: 1}
	}
	var k notRun
	if k.due(false, time.Hour) || k.breaks(row(false, statefile.CauseOverlap, "06:00:00", "06:00:00", 1)) {
		t.Error("there are no such slots")
	}
	k.add(row(false, statefile.CauseOverlap, "06:00:00", "06:01:00", 2))
	k.add(row(false, statefile.CauseOverlap, "06:02:00", "06:02:00", 1))
	if len(k.list) != 1 || k.list[0].Number != 3 || !k.list[0].Last.Time().Equal(at(t, "06:02:00")) {
		t.Errorf("%+v", k.list)
	}
	for name, other := range map[string]*statefile.NotRun{
		"another reason": row(false, statefile.CauseRemoved, "06:03:00", "06:03:00", 1),
		"missed":         row(true, statefile.CauseOverlap, "06:03:00", "06:03:00", 1),
		"another epoch":  {Reason: statefile.CauseOverlap, Epoch: 2},
	} {
		if !k.breaks(other) {
			t.Errorf("%s: the record grows", name)
		}
	}
	k.add(row(true, statefile.CauseLate, "05:00:00", "05:00:00", 1)) // settled later than the others, although its slot is earlier
	if list := k.take(time.Second); len(list) != 2 || !list[0].Missed || k.written != 4 || len(k.list) > 0 {
		t.Errorf("%+v", k)
	}

	k.add(row(false, statefile.CauseOverlap, "06:03:00", "06:05:00", 3))
	for _, c := range []struct {
		alive bool
		now   time.Duration
		due   bool
	}{
		{true, 2 * time.Second, false},
		{true, time.Second + notRunPause, true}, // a minute later
		{false, 2 * time.Second, true},          // no run is alive
	} {
		if got := k.due(c.alive, c.now); got != c.due {
			t.Errorf("alive %v, at %v: %v", c.alive, c.now, got)
		}
	}
	if k.add(row(false, statefile.CauseOverlap, "06:06:00", "06:06:00", 1)); !k.due(true, 2*time.Second) {
		t.Error("the record has doubled and is not written")
	}
}

func TestWallClock(t *testing.T) {
	m := momentAt(t, "06:00:00").Now
	k := wallClock{offset: offsetOf(m)}
	for _, c := range []struct {
		passes, set time.Duration
		step        time.Duration
		back        bool
	}{
		{passes: time.Hour},
		{passes: time.Second, set: time.Hour, step: time.Hour},
		{passes: time.Second, set: 600 * time.Millisecond},
		{passes: time.Second, set: 600 * time.Millisecond, step: 1200 * time.Millisecond}, // small steps add up
		{passes: time.Second, set: -59 * time.Second, step: -59 * time.Second},
		{passes: 0, set: -2 * time.Second, step: -2 * time.Second, back: true}, // here, too
		{passes: time.Second, set: -2 * time.Second, step: -2 * time.Second},
		{passes: time.Second, set: -3 * time.Hour, step: -3 * time.Hour, back: true},
	} {
		m.Boot += c.passes
		m.Wall = m.Wall.Add(c.passes + c.set)
		if step, back := k.read(m); step != c.step || back != c.back {
			t.Errorf("%+v: %v, %v", c, step, back)
		}
	}
}
