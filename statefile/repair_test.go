package statefile

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestRepairSameFacts: a journal has two equal lines with a damaged line between them. The repair and every later
// reading of the repaired file give the same facts.
func TestRepairSameFacts(t *testing.T) {
	dir := t.TempDir()
	j, _, _ := open(t, dir)
	passed := Entry{someTime, &NotRun{Job: "a", Missed: true, Reason: CauseLate, First: someTime, Last: someTime, Number: 3}}
	if err := errors.Join(j.Append(passed), j.Append(passed)); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(read(t, dir, journalName), []byte("\n"))
	write(t, dir, journalName, bytes.Join([][]byte{lines[0], lines[1], []byte("garbage\n"), lines[2]}, nil))
	repaired, messages := reopened(t, dir)
	if len(messages) == 0 {
		t.Error("the damage was not reported")
	}
	again, messages := reopened(t, dir)
	if same(t, "read again", again, repaired); len(messages) > 0 {
		t.Errorf("messages of a second opening: %q", messages)
	}
}

// TestDamageOutlastsDisabling: all jobs are disabled until a time, and then a line is damaged that may have been an
// order. At that time no person has checked the jobs yet, so they stay disabled.
func TestDamageOutlastsDisabling(t *testing.T) {
	dir := t.TempDir()
	j, _, _ := open(t, dir)
	until := At(someTime.Time().Add(time.Hour))
	for _, r := range []Record{
		&AllDisabled{By: &DisabledBy{Who: "uid 7", When: someTime, Reason: "backup", Until: until}},
		&Disabled{Job: "a", By: &DisabledBy{Who: "uid 7", When: someTime}},
		&NotRun{Job: "b", Missed: true, Reason: CauseLate, First: someTime, Last: someTime, Number: 1},
	} {
		if err := j.Append(Entry{someTime, r}); err != nil {
			t.Fatal(err)
		}
	}
	journal := read(t, dir, journalName)
	journal[bytes.Index(journal, []byte(`"job":"a"`))+7] = 'x'
	write(t, dir, journalName, journal)
	facts, messages := reopened(t, dir)
	if by := facts.DisabledBy; by == nil || !by.Until.IsZero() {
		t.Errorf("disabled by %+v; messages %q", by, messages)
	}
	if !strings.Contains(strings.Join(messages, "\n"), "jobsd enable --all") {
		t.Errorf("no message says how to enable the jobs: %q", messages)
	}
}
