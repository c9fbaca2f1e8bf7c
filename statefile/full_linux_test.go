package statefile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of 256 KiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk fills a disk with other files and with the journal itself, and then frees space.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	j, facts, _, err := OpenJournal(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	w, _, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Update("old", &Job{})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	state := read(t, dir, stateName)
	write(t, dir, "ballast", make([]byte, 128<<10))

	s := newStory(newRand(t))
	for err == nil {
		e := s.next()
		facts.Apply(e)
		err = j.Append(e)
	}
	if !errors.Is(err, syscall.ENOSPC) || !j.NeedsCheckpoint() {
		t.Fatalf("%v, needs a checkpoint: %t", err, j.NeedsCheckpoint())
	}
	if content := read(t, dir, journalName); !bytes.HasSuffix(content, []byte("}\n")) {
		t.Errorf("a partial line is left: %s", content[len(content)-100:])
	}
	if err := j.Append(s.next()); err == nil {
		t.Error("an entry was accepted without a checkpoint")
	}
	for n := range 100 {
		w.Update(strings.Repeat("n", n+1), &Job{})
	}
	if err := w.Write(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("state: %v", err)
	}
	if !bytes.Equal(read(t, dir, stateName), state) {
		t.Error("the old state file was removed")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"ballast", journalName, stateName}) {
		t.Errorf("files: %q", got)
	}

	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Rotate(facts.Clone(), s.at()), w.Write()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		e := s.next()
		facts.Apply(e)
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	got, messages := reopened(t, dir)
	if same(t, "afterwards", got, facts); len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
	if n := len(readState(t, dir).Jobs); n != 101 {
		t.Errorf("%d jobs", n)
	}
}
