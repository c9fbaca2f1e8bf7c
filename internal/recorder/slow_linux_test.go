package recorder

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// descriptors returns how many descriptors the recorder has.
func (d *daemon) descriptors() int {
	d.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	d.must(err)
	return len(list)
}

// TestSlowDaemon: a daemon that reads late gets all that the recorder has, even if pipes have ended meanwhile.
func TestSlowDaemon(t *testing.T) {
	const runs, ended = 900, 50
	d := newDaemon(t)
	d.start()
	var writers []*os.File
	for run := range uint64(runs) {
		writers = append(writers, d.begin(run+1, Log{MaxSize: 1 << 20}))
	}
	for run := range uint64(runs) {
		d.wait(Began, run+1)
	}
	before := d.descriptors()
	d.conn.Close()
	d.got = nil
	d.dial()
	var queued int
	d.until(func() bool {
		was := queued
		queued, _ = unix.IoctlGetInt(d.conn.FD(), fionread)
		unix.Poll(nil, 100)
		now, _ := unix.IoctlGetInt(d.conn.FD(), fionread)
		return queued > 0 && was == queued && now == queued
	})
	for _, w := range writers[runs-ended:] {
		w.Close()
	}
	d.until(func() bool { return d.descriptors() <= before-ended })
	d.wait(Ready, 0)
	for _, w := range writers[:runs-ended] {
		w.Close()
	}
}
