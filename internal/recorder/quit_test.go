package recorder

import (
	"io"
	"os"
	"strings"
	"testing"
)

// quit tells the recorder to make way for one with memory of a version, and waits for its end. It returns what the
// recorder has handed over.
func (d *daemon) quit(version int) map[uint64]Message {
	d.Helper()
	d.send(Message{Kind: Quit, Version: version})
	handed := map[uint64]Message{}
	d.until(func() bool {
		list, err := d.conn.Receive()
		for _, m := range list {
			if m.Kind == Handed {
				handed[m.Run] = m.Message
			}
		}
		return err == io.EOF
	})
	if err := d.cmd.Wait(); err != nil {
		d.Errorf("the recorder ended with %v", err)
	}
	d.conn.Close()
	d.got = nil
	return handed
}

// TestQuit: a recorder that is replaced leaves all to the next one.
func TestQuit(t *testing.T) {
	for name, version := range map[string]int{"same version": Version, "another version": Version + 1} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			d.start()
			one := d.begin(1, Log{MaxSize: 1 << 20})
			two := d.begin(2, Log{MaxSize: 1 << 20})
			d.wait(Began, 2)
			writeTo(t, one, "one\nunfin")
			d.until(func() bool { return strings.HasSuffix(d.log(), "[1] one\n") })
			handed := d.quit(version)
			writeTo(t, one, "ished\n")
			writeTo(t, two, "two\n")
			one.Close()
			two.Close()

			if version != Version {
				if string(handed[1].Line) != "unfin" || handed[1].Bytes != 4 || handed[1].From == nil {
					t.Fatalf("handed over: %+v", handed)
				}
				fd, err := NewMemory()
				d.must(err)
				d.memory.Close()
				d.memory = os.NewFile(uintptr(fd), "memory")
			}
			d.start()
			for run, m := range d.starts {
				resume := handed[run]
				resume.Kind, resume.Run, resume.Job, resume.Log = Resume, run, m.Job, m.Log
				d.send(resume, d.copies[run])
			}
			d.send(Message{Kind: Ready})
			began := d.wait(Began, 1)
			ended := d.finish(1)
			d.finish(2)
			if *ended.From != *began.From || ended.From.At != 0 || ended.Bytes != int64(len("one\nunfinished\n")) || ended.Mixed == nil {
				t.Errorf("run 1 is at %+v, in %d bytes, mixed from %v", ended.From, ended.Bytes, ended.Mixed)
			}
			got := d.log()
			for _, line := range []string{"[1] one", "[1] unfinished", "[2] two", "== run 1 started", "== run 1 exited 0", "== run 2 started", "== run 2 exited 0"} {
				if strings.Count(got, line+"\n") != 1 {
					t.Errorf("%q is not once in the log %q", line, got)
				}
			}
			if strings.Count(got, "\n") != 7 {
				t.Errorf("the log is %q", got)
			}
		})
	}
}
