package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// snapshot copies a directory as a crash would leave it. Files with two names keep both.
func snapshot(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	copied := map[uint64]string{}
	for _, name := range names(t, from) {
		var st syscall.Stat_t
		if err := syscall.Stat(filepath.Join(from, name), &st); err != nil {
			t.Fatal(err)
		}
		if twin := copied[st.Ino]; twin != "" {
			if err := os.Link(twin, filepath.Join(to, name)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(t, to, name, read(t, from, name))
		copied[st.Ino] = filepath.Join(to, name)
	}
	return to
}

// TestRotationCrash: if a rotation stops before any of its steps, the facts and the history are complete.
func TestRotationCrash(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	j.SetLimits(0, 3)
	for run := range uint64(4) { // fills all numbers
		if err := errors.Join(j.Append(intent(run)), j.Rotate(facts, someTime)); err != nil {
			t.Fatal(err)
		}
		facts.Apply(intent(run))
	}
	if err := errors.Join(j.Append(intent(4)), j.Rotate(facts.Clone(), someTime), j.Append(intent(5))); err != nil {
		t.Fatal(err)
	}
	facts.Apply(intent(5))
	crashes := 0
	j.dir.step = func(step string) error {
		crashes++
		at := fmt.Sprintf("before step %d, %s", crashes, step)
		if !j.dir.exists(journalName) {
			t.Errorf("%s: no %s", at, journalName)
		}
		dir := snapshot(t, dir)
		if got := runsInHistory(t, dir); !slices.IsSorted(got) || got[len(got)-1] != 5 || len(got) < 3 {
			t.Errorf("%s: runs in the history: %d", at, got)
		}
		got, messages := reopened(t, dir)
		if same(t, at, got, facts); len(messages) > 0 {
			t.Errorf("%s: messages %q", at, messages)
		}
		for _, name := range names(t, dir) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("%s: %s is still there", at, name)
			}
		}
		next, _, _ := open(t, dir)
		next.SetLimits(0, 3)
		if err := errors.Join(next.Append(intent(6)), next.Rotate(facts.Clone(), someTime)); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		if got := runsInHistory(t, dir); !slices.IsSorted(got) || got[len(got)-1] != 6 || len(slices.Compact(got)) != len(got) {
			t.Errorf("%s: runs in the history at the end: %d", at, got)
		}
		return nil
	}
	if err := j.Rotate(facts, someTime); err != nil {
		t.Error(err)
	}
	if crashes < 8 {
		t.Errorf("only %d steps", crashes)
	}
}

// TestRotationFails: if any step of a rotation fails, the journal continues, and works again when the cause is gone.
func TestRotationFails(t *testing.T) {
	for failing := 1; ; failing++ {
		dir := t.TempDir()
		j, facts, _ := open(t, dir)
		j.SetLimits(0, 3)
		for run := range uint64(5) {
			facts.Apply(intent(run))
			if err := errors.Join(j.Append(intent(run)), j.Rotate(facts.Clone(), someTime)); err != nil {
				t.Fatal(err)
			}
		}
		step, failed := 0, ""
		j.dir.step = func(name string) error {
			if step++; step == failing {
				failed = name
				return syscall.EIO
			}
			return nil
		}
		err := j.Rotate(facts.Clone(), someTime)
		if failed == "" {
			return // all have had their turn
		}
		if err == nil && failed != "sync" && !strings.HasPrefix(failed, "link") {
			t.Errorf("%s fails: no error", failed)
		}
		j.dir.step = func(string) error { return nil }
		if j.NeedsCheckpoint() {
			if err := j.Rotate(facts.Clone(), someTime); err != nil {
				t.Errorf("%s failed: %v", failed, err)
			}
		}
		facts.Apply(intent(9))
		if err := errors.Join(j.Append(intent(9)), j.Sync()); err != nil {
			t.Errorf("%s failed: %v", failed, err)
		}
		got, messages := reopened(t, dir)
		if same(t, failed+" failed", got, facts); len(messages) > 0 {
			t.Errorf("%s failed: messages %q", failed, messages)
		}
		if got := runsInHistory(t, dir); len(got) < 3 || !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
			t.Errorf("%s failed: runs in the history: %d", failed, got)
		}
	}
}

// TestRotationFailsOften: repeated attempts to rotate lose nothing.
func TestRotationFailsOften(t *testing.T) {
	for _, failing := range []string{"create", "write", "link", "replace"} {
		dir := t.TempDir()
		j, facts, _ := open(t, dir)
		j.SetLimits(0, 3)
		for run := range uint64(3) {
			if err := errors.Join(j.Append(intent(run)), j.Rotate(facts, someTime)); err != nil {
				t.Fatal(err)
			}
		}
		j.dir.step = func(step string) error {
			if strings.HasPrefix(step, failing) || failing == "link" && step == "rename "+journalName {
				return syscall.EIO
			}
			return nil
		}
		for range 10 {
			if err := j.Rotate(facts, someTime); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v", failing, err)
			}
		}
		if got := runsInHistory(t, dir); len(got) < 2 || got[0] > 1 {
			t.Errorf("%s fails: runs in the history: %d", failing, got)
		}
	}
}

// TestNoLinks: a rotation also works on a file system without links.
func TestNoLinks(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	j.dir.step = func(step string) error {
		if strings.HasPrefix(step, "link") {
			return syscall.EPERM
		}
		return nil
	}
	if err := errors.Join(j.Append(intent(1)), j.Rotate(facts, someTime), j.Append(intent(2))); err != nil {
		t.Fatal(err)
	}
	if got := runsInHistory(t, dir); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("runs in the history: %d", got)
	}
}

// TestWritesFail: random entries meet random failures. Whenever the journal has lost nothing, a crash leaves exactly
// what was in memory, without damage.
func TestWritesFail(t *testing.T) {
	r := newRand(t)
	for range 8 {
		dir := t.TempDir()
		j, facts, _ := open(t, dir)
		s := newStory(r)
		bad := 0
		j.dir.step = func(step string) error {
			if r.IntN(100) >= bad {
				return nil
			}
			if step == "append" && r.IntN(2) == 0 { // part of the line is written
				if _, err := j.file.WriteString(`{"kind":"intent","at":"20`); err != nil {
					t.Fatal(err)
				}
			}
			return syscall.ENOSPC
		}
		for range 60 {
			bad = r.IntN(3) * r.IntN(30)
			e := s.next()
			facts.Apply(e)
			err := j.Append(e)
			if err == nil && r.IntN(3) == 0 {
				err = j.Sync()
			}
			if (err != nil) != j.NeedsCheckpoint() {
				t.Fatalf("needs a checkpoint: %t, after %v", j.NeedsCheckpoint(), err)
			}
			if (err != nil || r.IntN(10) == 0) && j.Rotate(facts.Clone(), s.at()) == nil {
				err = nil
			}
			if err != nil || j.NeedsCheckpoint() {
				continue
			}
			crashed := snapshot(t, dir)
			got, messages := reopened(t, crashed)
			if !same(t, "after a crash", got, facts) || len(messages) > 0 {
				t.Fatalf("messages %q; files %q", messages, names(t, dir))
			}
		}
		j.dir.step = func(string) error { return nil }
		if err := j.Rotate(facts.Clone(), s.at()); err != nil {
			t.Fatal(err)
		}
		got, _ := reopened(t, dir)
		same(t, "in the end", got, facts)
	}
}

// TestJournalDeleted: the journal writes no entries to a deleted file, which would vanish with the process.
func TestJournalDeleted(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	facts.Apply(intent(1))
	if err := errors.Join(j.Append(intent(1)), os.Remove(filepath.Join(dir, journalName))); err != nil {
		t.Fatal(err)
	}
	if err := j.Sync(); err == nil || !j.NeedsCheckpoint() {
		t.Errorf("%v, needs a checkpoint: %t", err, j.NeedsCheckpoint())
	}
	if err := j.Rotate(facts, someTime); err != nil {
		t.Fatal(err)
	}
	got, messages := reopened(t, dir)
	if same(t, "written again", got, facts); len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
}

// TestJournalLongEntry: an entry that is too long to be read again is not written.
func TestJournalLongEntry(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	if err := j.Append(Entry{someTime, &Deleted{strings.Repeat("x", maxLine)}}); err == nil {
		t.Error("no error")
	}
	if err := errors.Join(j.Rotate(facts, someTime), j.Append(intent(1))); err != nil {
		t.Error(err)
	}
	if got, messages := runsInHistory(t, dir), 0; !slices.Equal(got, []uint64{1}) || messages > 0 {
		t.Errorf("runs in the history: %d", got)
	}
}

// TestRepairFails: if any step of a repair fails, the facts are still known, and the journal works as soon as the
// cause is gone, in this daemon and in the next.
func TestRepairFails(t *testing.T) {
	journal, after := recorded(t, 8)
	damaged := append([]byte("garbage\n"), journal...)
	for failing := 1; ; failing++ {
		dir := t.TempDir()
		write(t, dir, journalName, damaged)
		d, err := openDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		step, failed := 0, ""
		d.step = func(name string) error {
			if step++; step == failing {
				failed = name
				return syscall.EIO
			}
			return nil
		}
		want := after[len(after)-1].Clone()
		j, facts, messages, err := openJournal(d)
		if err != nil {
			t.Fatalf("failed at %s: %v", failed, err)
		}
		defer j.Close()
		if failed == "" {
			return
		}
		if same(t, "failed at "+failed, facts, want); len(messages) < 2 {
			t.Errorf("failed at %s: messages %q", failed, messages)
		}
		next, _ := reopened(t, snapshot(t, dir))
		same(t, "after a crash where it failed at "+failed, next, want)
		d.step = func(string) error { return nil }
		j.SetLimits(0, 0)
		if j.NeedsCheckpoint() {
			if err := j.Append(intent(98)); err == nil {
				t.Errorf("failed at %s: an entry was accepted", failed)
			}
			if err := j.Rotate(facts, someTime); err != nil {
				t.Errorf("failed at %s: %v", failed, err)
			}
			want.Device, want.Inode = facts.Device, facts.Inode // the journal was recorded elsewhere
		}
		want.Apply(intent(99))
		if err := errors.Join(j.Append(intent(99)), j.Sync()); err != nil {
			t.Errorf("failed at %s: %v", failed, err)
		}
		got, _ := reopened(t, dir)
		same(t, "in the end, failed at "+failed, got, want)
	}
}

// TestReadOnly: a daemon starts although it cannot write, with and without a journal.
func TestReadOnly(t *testing.T) {
	old := t.TempDir()
	j, facts, _ := open(t, old)
	tell(t, j, facts, newStory(newRand(t)), 10)
	for _, dir := range []string{old, t.TempDir()} {
		d, err := openDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		before := len(names(t, dir))
		d.step = func(string) error { return syscall.EROFS }
		j, got, messages, err := openJournal(d)
		if err != nil || len(messages) == 0 || len(got.ID) != 32 || !j.NeedsCheckpoint() {
			t.Fatalf("%v, messages %q, %s", err, messages, encode(got))
		}
		defer j.Close()
		if dir == old {
			same(t, "read", got, facts)
		}
		if err := errors.Join(j.Append(intent(1)), j.Sync()); !errors.Is(err, syscall.EROFS) {
			t.Error(err)
		}
		if err := j.Rotate(got, someTime); !errors.Is(err, syscall.EROFS) || len(names(t, dir)) != before {
			t.Errorf("%v, files %q", err, names(t, dir))
		}
		d.step = func(string) error { return nil }
		if err := errors.Join(j.Rotate(got.Clone(), someTime), j.Append(intent(99)), j.Sync()); err != nil {
			t.Fatal(err)
		}
		got.Apply(intent(99))
		again, messages := reopened(t, dir)
		if same(t, "in the end", again, got); len(messages) > 0 {
			t.Errorf("messages %q", messages)
		}
	}
}
