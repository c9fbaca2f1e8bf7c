package recorder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk returns a daemon whose logs are on a small file system.
func smallDisk(t *testing.T) *daemon {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	d := newDaemon(t)
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(d.dir, unix.MNT_DETACH) })
	d.start()
	return d
}

// relieve makes the file system large.
func (d *daemon) relieve() {
	d.Helper()
	d.must(unix.Mount("", d.dir, "tmpfs", unix.MS_REMOUNT, "size=100m"))
}

// TestQuitOnFullDisk: a recorder with memory that the next one cannot read ends only when all is in the log.
func TestQuitOnFullDisk(t *testing.T) {
	d := smallDisk(t)
	pipe := d.begin(1, Log{MaxSize: 1 << 30})
	d.wait(Began, 1)
	d.must(os.WriteFile(filepath.Join(d.dir, "filler"), make([]byte, 1<<20-8192), 0o600))
	text := strings.Repeat("a line\n", 2000)
	writeTo(t, pipe, text+"unfinished")
	pipe.Close()
	d.wait(Trouble, 0)
	log := *d.starts[1].Log
	d.send(Message{Kind: Note, Job: "a", Log: &log, Text: "a note"})
	d.send(Message{Kind: Quit, Version: Version + 1})
	d.conn.Close() // this daemon dies, and the recorder stays
	d.got = nil
	d.connect()
	d.send(Message{Kind: Quit, Version: Version + 1})
	d.relieve()
	handed := d.quit(Version + 1)
	if got := handed[1]; string(got.Line) != "unfinished" || got.Bytes != int64(len(text)) {
		t.Errorf("handed over: %+v", handed)
	}
	if got, want := d.log(), "== run 1 started\n"+text+"== a note\n"; got != want {
		t.Errorf("the log has %d bytes, want %d: %.50q", len(got), len(want), got)
	}
}

// TestFullDisk: runs wait while the disk is full, and nothing is lost.
func TestFullDisk(t *testing.T) {
	d := smallDisk(t)
	stop := make(chan struct{})
	finish := d.writers(3, stop, Log{})
	if m := d.wait(Trouble, 0); !strings.Contains(m.Text, "no space left") {
		t.Errorf("the trouble is %q", m.Text)
	}
	d.kill() // and the recorder may be killed then, too
	d.start()
	d.resume()
	d.wait(Trouble, 0)
	d.relieve()
	if m := d.wait(Trouble, 0); m.Text != "" {
		t.Errorf("the trouble is %q", m.Text)
	}
	written := finish()
	if lost, gaps := d.audit(written); gaps > 1 {
		t.Errorf("%d of %d lines are lost", lost, sum(written))
	}
}
