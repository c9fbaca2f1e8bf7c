package statefile

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestRepairSameFacts: two lines that are the same, with a damaged one between them, come to the same facts in the repair
// and in every later reading of what it has written.
func TestRepairSameFacts(t *testing.T) {
	dir := t.TempDir()
	j, _, _ := open(t, dir)
	passed := Entry{someTime, &Passed{Job: "a", How: "missed", Reason: "late", First: someTime, Last: someTime, Number: 3}}
	if err := errors.Join(j.Append(passed), j.Append(passed)); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(read(t, dir, journalName), []byte("\n"))
	write(t, dir, journalName, bytes.Join([][]byte{lines[0], lines[1], []byte("garbage\n"), lines[2]}, nil))
	repaired, said := reopened(t, dir)
	if len(said) == 0 {
		t.Error("nothing was said of the damage")
	}
	again, said := reopened(t, dir)
	if same(t, "read again", again, repaired); len(said) > 0 {
		t.Errorf("said again %q", said)
	}
}

// TestDamageOutlastsDisabling: all jobs are disabled until a time, and then a line is damaged that may have been an order.
// At that time nobody has looked at the jobs yet, so they stay disabled.
func TestDamageOutlastsDisabling(t *testing.T) {
	dir := t.TempDir()
	j, _, _ := open(t, dir)
	until := At(someTime.Add(time.Hour))
	for _, r := range []Record{
		&AllDisabled{By: &DisabledBy{Who: "uid 7", When: someTime, Reason: "backup", Until: until}},
		&Disabled{Job: "a", By: &DisabledBy{Who: "uid 7", When: someTime}},
		&Passed{Job: "b", How: "missed", Reason: "late", First: someTime, Last: someTime, Number: 1},
	} {
		if err := j.Append(Entry{someTime, r}); err != nil {
			t.Fatal(err)
		}
	}
	journal := read(t, dir, journalName)
	journal[bytes.Index(journal, []byte(`"job":"a"`))+7] = 'x'
	write(t, dir, journalName, journal)
	facts, said := reopened(t, dir)
	if by := facts.DisabledBy; by == nil || !by.Until.IsZero() {
		t.Errorf("disabled by %+v; said %q", by, said)
	}
	if !strings.Contains(strings.Join(said, "\n"), "jobsd enable --all") {
		t.Errorf("nobody is told how to enable the jobs: %q", said)
	}
}
