package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/internal/durable"
	"jobsd/internal/testdir"
)

const stateID = "0123456789abcdef0123456789abcdef"

func open(t *testing.T, dir, id, boot string) *Evidence {
	t.Helper()
	e, err := OpenEvidence(dir, id, boot)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func (e *Evidence) check(t *testing.T, run uint64, want Stage) Process {
	t.Helper()
	got, p := e.Of(run, "")
	if got != want {
		t.Errorf("run %d: got the stage %d, want %d", run, got, want)
	}
	return p
}

// TestEvidence: a later daemon knows of each run how far its start had come.
func TestEvidence(t *testing.T) {
	dir := testdir.Memory(t)
	e := open(t, dir, stateID, "boot")
	start := func(run uint64, c *Command) Process {
		e.Unforked(run)
		c.Run, c.Evidence = run, e
		p, h, err := Start(c)
		if err == nil && h != nil {
			h.Close()
		}
		if p.PID > 0 {
			t.Cleanup(func() { SignalGroup(p, syscall.SIGKILL); p.Close() })
		}
		return p
	}
	e.Unforked(1)
	e.forking(2, unknownUsage)
	direct := start(3, program("/bin/sleep", "1000"))
	shim := start(4, with(program("/bin/sleep", "1000"), func(c *Command) { c.Nice = 1 }))
	start(5, program("/nosuch"))
	start(6, with(program("/bin/sleep", "1000"), func(c *Command) { c.Argv = nil }))

	e.Close()
	e = open(t, dir, stateID, "boot")
	e.check(t, 0, Unknown)
	e.check(t, 1, Unforked)
	e.check(t, 2, Unknown)
	for run, want := range map[uint64]Process{3: direct, 4: shim} {
		p := e.check(t, run, Forked)
		if p.PID != want.PID || p.Inode != want.Inode || p.Start != want.Start {
			t.Errorf("run %d: got the process %+v, want %+v", run, p, want)
		}
		if q, ok := Adopt(p); !ok {
			t.Errorf("run %d: cannot adopt %+v", run, p)
		} else {
			q.Close()
		}
	}
	e.check(t, 5, Forked) // the shim that looks for the reason
	e.check(t, 6, Unforked)
	e.check(t, 7, Unknown)
	for _, run := range []uint64{1 + slots, 3 + slots} { // another run has the same slot
		e.check(t, run, Unknown)
		e.Unforked(run)
		e.check(t, run, Unforked)
		e.check(t, run-slots, Unknown)
	}
}

// TestEvidenceOfAnother: the evidence of another boot, of another state directory, or of somebody else proves nothing,
// and nothing is written through a link.
func TestEvidenceOfAnother(t *testing.T) {
	for _, c := range []struct {
		name     string
		id, boot string
		spoil    func(path string) error
		lost     bool // the daemon that has the file open notices
		want     Stage
	}{
		{name: "the same", id: stateID, boot: "boot", want: Unforked},
		{name: "another boot", id: stateID, boot: "boot2", lost: true},
		{name: "another state directory", id: "f" + stateID[1:], boot: "boot"},
		{name: "removed", id: stateID, boot: "boot", spoil: os.Remove, lost: true},
		{name: "empty", id: stateID, boot: "boot", spoil: func(path string) error { return os.Truncate(path, 0) }, lost: true},
		{name: "too long", id: stateID, boot: "boot", spoil: func(path string) error { return os.Truncate(path, int64(evidenceSize)+1) }, lost: true},
		{name: "readable by others", id: stateID, boot: "boot", spoil: func(path string) error { return os.Chmod(path, 0o644) }, lost: true},
		{name: "a link", id: stateID, boot: "boot", lost: true, spoil: func(path string) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path))
		}},
		{name: "a pipe", id: stateID, boot: "boot", lost: true, spoil: func(path string) error {
			return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600))
		}},
		{name: "of another user", id: stateID, boot: "boot", lost: true, spoil: func(path string) error { return os.Chown(path, 12345, 12345) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := testdir.Memory(t)
			old := open(t, dir, stateID, "boot")
			old.Unforked(1)
			path := filepath.Join(dir, "starts-"+stateID)
			if c.name == "of another user" && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if c.spoil != nil {
				if err := c.spoil(path); err != nil {
					t.Fatal(err)
				}
			}
			e := open(t, dir, c.id, c.boot)
			e.check(t, 1, c.want)
			e.Unforked(2)
			e.check(t, 2, Unforked)
			if got := e.Lost(); got {
				t.Error("the new evidence is lost")
			}
			if moved := path + ".moved"; c.name == "a link" {
				if old.check(t, 2, Unknown); exists(path+".new") || !exists(moved) {
					t.Error("the link was followed")
				}
				return
			}
			if got := old.Lost(); got != c.lost {
				t.Errorf("the old evidence is lost: %t, want %t", got, c.lost)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestEvidenceCutOff: root makes the file shorter while the daemon uses it. The daemon continues without evidence, and the
// next one does not believe what is left.
func TestEvidenceCutOff(t *testing.T) {
	dir := testdir.Memory(t)
	e := open(t, dir, stateID, "boot")
	e.Unforked(1)
	e.Unforked(slots - 1)
	if err := os.Truncate(filepath.Join(dir, "starts-"+stateID), evidenceHeads); err != nil {
		t.Fatal(err)
	}
	e.Unforked(slots - 1)
	e.Unforked(1)
	if !e.Lost() {
		t.Error("it does not know that it is lost")
	}
	e.check(t, 1, Unknown)
	e = open(t, dir, stateID, "boot")
	e.check(t, 1, Unknown)
	e.Unforked(slots - 1)
	e.check(t, slots-1, Unforked)
}

// TestEvidenceNeedsMemory: on a disk a store could wait, and without room on a tmpfs it would fault.
func TestEvidenceNeedsMemory(t *testing.T) {
	dir := t.TempDir()
	if in, err := durable.InMemory(dir); err != nil || in {
		t.Logf("%s is not on a disk: %v", dir, err)
	} else if e, err := OpenEvidence(dir, stateID, "boot"); !errors.Is(err, ErrNotInMemory) || e != nil {
		t.Errorf("got %v on a disk, want %v", err, ErrNotInMemory)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small tmpfs")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if e, err := OpenEvidence(dir, stateID, "boot"); !errors.Is(err, syscall.ENOSPC) || e != nil {
		t.Errorf("got %v on a full tmpfs, want %v", err, syscall.ENOSPC)
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("it leaves %v behind", names)
	}
}

// TestNoEvidence: without evidence nothing is proven, and nothing fails.
func TestNoEvidence(t *testing.T) {
	var e *Evidence
	e.Unforked(1)
	e.forking(1, unknownUsage)
	e.forked(1, &Process{PID: 2})
	e.check(t, 1, Unknown)
	if e.Lost() {
		t.Error("nothing can be lost")
	}
	e.Close()
}
