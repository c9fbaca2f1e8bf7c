package recorder

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"jobsd/internal/fusetest"
)

// mapped in the environment of a test names a file. The test then only writes from a mapping of it to its standard
// output.
const mapped = "RECORDER_MAPPED"

// TestHeldPipe: a process locks its pipe, as it writes from a file that nobody can read. Other runs go on, and the output
// of this one comes later.
func TestHeldPipe(t *testing.T) {
	if path := os.Getenv(mapped); path != "" {
		writeMapped(t, path)
		return
	}
	file, reads, release := fusetest.HangOnRead(t)
	d := newDaemon(t)
	d.start()
	one, two := d.begin(1, Log{}), d.begin(2, Log{})
	writeTo(t, one, "one\n")
	d.until(func() bool { return strings.Contains(d.log(), "[1] one\n") })

	holder := exec.Command(os.Args[0], "-test.run=^TestHeldPipe$")
	holder.Env = append(os.Environ(), mapped+"="+file)
	holder.Stdout = one
	d.must(holder.Start())
	<-reads
	d.send(Message{Kind: End, Run: 1, Job: "a", Log: d.starts[1].Log, Text: "run 1 exited 0"})
	writeTo(t, two, "two\n")
	d.until(func() bool { return strings.Contains(d.log(), "[2] two\n") })
	if m := d.wait(Trouble, 0); !strings.Contains(m.Text, "run 1 of a waits") || m.Job != "a" {
		t.Errorf("the trouble is %+v", m)
	}
	two.Close()
	d.finish(2)

	// A new daemon learns it, too.
	d.conn.Close()
	d.got = nil
	d.connect()
	if m := d.wait(Trouble, 0); !strings.Contains(m.Text, "run 1 of a waits") {
		t.Errorf("the trouble is %+v", m)
	}
	release()
	holder.Wait()
	if m := d.wait(Trouble, 0); m.Text != "" {
		t.Errorf("the trouble is %+v", m)
	}
	d.wait(Ended, 1)
	one.Close()
	d.send(Message{Kind: Done, Run: 1})
	d.wait(Closed, 1)
	if got := d.log(); strings.Count(got, "one") != 1 || !strings.Contains(got, "== run 1 exited 0\n") {
		t.Errorf("the log is %q", got)
	}
}

func writeMapped(t *testing.T, path string) {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	unix.Syscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)))
	os.Exit(0)
}
