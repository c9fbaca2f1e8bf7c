package statefile

import (
	"bytes"
	"errors"
	"testing"
)

// TestPlainJournal: a journal of version 1, whose lines have no checksums, is accepted without a repair. The next
// write makes a file of the current version.
func TestPlainJournal(t *testing.T) {
	journal, after := recorded(t, 9)
	plain := bytes.Replace(unsealed(journal), []byte(`"version":2`), []byte(`"version":1`), 1)
	if bytes.Contains(plain, []byte("crc")) || bytes.Equal(plain, journal) {
		t.Fatalf("not of version 1: %s", plain)
	}
	want := after[len(after)-1]
	dir := t.TempDir()
	write(t, dir, journalName, plain)
	j, facts, messages := open(t, dir)
	if same(t, "read", facts, want); len(messages) > 0 || !j.NeedsCheckpoint() {
		t.Errorf("messages %q, needs a checkpoint: %t", messages, j.NeedsCheckpoint())
	}
	want.Apply(intent(99))
	if err := j.Append(intent(99)); err != nil {
		t.Fatal(err)
	}
	if again, messages := reopened(t, dir); !same(t, "with a line that has a checksum", again, want) || len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
	if err := errors.Join(j.Rotate(want, someTime), j.Append(intent(100))); err != nil || j.NeedsCheckpoint() {
		t.Errorf("%v, needs a checkpoint: %t", err, j.NeedsCheckpoint())
	}
	want.Apply(intent(100))
	if again, messages := reopened(t, dir); !same(t, "continued in a new file", again, want) || len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
	for line := range bytes.Lines(read(t, dir, journalName)) {
		if _, err := verified(line); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
	unsealedLine := append(bytes.TrimSuffix(plain[bytes.IndexByte(plain, '\n')+1:], []byte("\n")), '\n')
	write(t, dir, journalName, append(read(t, dir, journalName), unsealedLine...))
	if _, messages := reopened(t, dir); len(messages) == 0 {
		t.Error("a line without a checksum was accepted in a file of the current version")
	}
}

// TestPlaceOfDirectory: a renamed directory is the same directory. Another directory with the same contents is a copy
// within the boot, but not after it.
func TestPlaceOfDirectory(t *testing.T) {
	j, facts, _ := open(t, t.TempDir())
	device, inode, err := j.Place()
	if err != nil || inode == 0 {
		t.Fatal(device, inode, err)
	}
	facts.Apply(Entry{someTime, &Start{BootID: "boot", Device: device, Inode: inode}})
	for _, test := range []struct {
		boot          string
		device, inode uint64
		want          bool
	}{
		{"boot", device, inode, false},
		{"boot", device, inode + 1, true},
		{"boot", device + 1, inode, true},
		{"another", device, inode + 1, false},
		{"", device, inode + 1, true},
		{"", device, inode, false},
	} {
		if got := facts.Copied(test.boot, test.device, test.inode); got != test.want {
			t.Errorf("%+v: copied %t", test, got)
		}
	}
}
