package recorder

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFewDescriptors: the recorder may open only a few files, fewer than there are runs. It takes over the pipes one
// after the other, as runs end, and loses nothing.
func TestFewDescriptors(t *testing.T) {
	const runs = 100
	d := newDaemon(t)
	d.start()
	limit := unix.Rlimit{Cur: 32, Max: 32}
	d.must(unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil))
	var pipes []*os.File
	for run := range uint64(runs) {
		pipes = append(pipes, d.begin(run+1, Log{}))
	}
	for n, p := range pipes {
		writeTo(t, p, fmt.Sprintf("line of %d\n", n+1))
		p.Close()
	}
	for run := range uint64(runs) {
		d.finish(run + 1)
	}
	log := "\n" + d.log()
	for run := range runs {
		if n := strings.Count(log, fmt.Sprintf("] line of %d\n", run+1)); n != 1 {
			t.Errorf("the log has the line of run %d %d times, want once", run+1, n)
		}
	}
}
