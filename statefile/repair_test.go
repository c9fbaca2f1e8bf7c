package statefile

import (
	"bytes"
	"errors"
	"testing"
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
