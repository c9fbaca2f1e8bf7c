package recorder

import (
	"os"
	"testing"
)

// TestKeep: what a daemon gives the recorder to keep, a later daemon gets, until the outcome of the run is recorded. A
// recorder that keeps something waits for a daemon, and ends when nothing is left.
func TestKeep(t *testing.T) {
	d := newDaemon(t)
	d.start()
	file, err := os.Create(d.dir + "/kept")
	d.must(err)
	defer file.Close()
	for _, run := range []uint64{7, 7, 8} {
		d.send(Message{Kind: Keep, Run: run}, int(file.Fd()))
	}
	d.send(Message{Kind: Keep, Run: 9}) // the recorder could not receive the descriptor
	for range 2 {
		d.conn.Close()
		d.got = nil
		d.connect()
		var kept []uint64
		for _, m := range d.got {
			if m.Kind != Kept {
				continue
			}
			kept = append(kept, m.Run)
			if len(m.FDs) != 1 {
				t.Fatalf("run %d came without its descriptor", m.Run)
			}
			same := os.NewFile(uintptr(m.FDs[0]), "kept")
			is, err := same.Stat()
			d.must(err)
			was, err := file.Stat()
			d.must(err)
			if !os.SameFile(is, was) {
				t.Errorf("run %d came with another descriptor", m.Run)
			}
			same.Close()
		}
		if len(kept) != 2 || kept[0] != 7 || kept[1] != 8 {
			t.Errorf("got %v, want 7 and 8", kept)
		}
	}
	for _, run := range []uint64{7, 8, 9} {
		d.send(Message{Kind: Done, Run: run})
	}
	d.conn.Close()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("the recorder ended with %v", err)
	}
}
