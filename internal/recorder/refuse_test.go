package recorder

import (
	"fmt"
	"testing"
)

// TestNoRoom: the recorder refuses a run for which its memory has no room, and takes it when there is room.
func TestNoRoom(t *testing.T) {
	d := newDaemon(t)
	d.start()
	for run := range uint64(maxSlots) {
		d.conn.Send(Message{Kind: Resume, Run: run + 10, Job: fmt.Sprint(run), Log: &Log{}})
	}
	pipe := d.begin(1, Log{MaxSize: 1 << 20})
	writeTo(t, pipe, "one\n")
	pipe.Close()
	m := d.starts[1]
	end := Message{Kind: End, Run: 1, Job: "a", Log: m.Log, Text: "run 1 exited 0"}
	d.send(end)
	d.wait(Refused, 1)
	d.send(Message{Kind: End, Run: 10, Job: "0", Log: &Log{}})
	d.wait(Ended, 10)
	d.send(Message{Kind: Done, Run: 10})
	d.send(end) // it waits for the output
	d.send(m, d.copies[1])
	d.send(end)
	d.wait(Ended, 1)
	if got, want := d.log(), "== run 1 started\none\n== run 1 exited 0\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}
