package recorder

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestImpatient: the recorder takes over from itself again and again, in all places where a pipe could hold it up.
// Nothing is lost or written twice.
func TestImpatient(t *testing.T) {
	t.Setenv(impatient, "1")
	d := newDaemon(t)
	d.start()
	stop := make(chan struct{})
	finish := d.writers(10, stop, Log{MaxSize: 3_000_000, Keep: 1_000_000})
	for range *kills {
		d.wait(Trouble, 0) // so that it happens
		d.conn.Close()
		d.got = nil
		d.connect()
	}
	written := finish()
	if lost, _ := d.audit(written); lost > 0 {
		t.Errorf("%d of %d lines are lost", lost, sum(written))
	}
}

// TestThief: processes read from their own pipes, and the recorder is killed at random moments. That takes away only
// their own output: that of other runs is complete, and nothing is in the log that no run wrote.
func TestThief(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	d := newDaemon(t)
	d.start()
	const thieves = 3
	finish := d.writers(2*thieves, make(chan struct{}), Log{MaxSize: 3_000_000, Keep: 1_000_000})
	over := make(chan struct{})
	stolen := make(chan int)
	for run := range thieves {
		go steal(d.copies[uint64(run+1)], rand.New(rand.NewPCG(seed, uint64(run))), over, stolen)
	}
	d.killOften(rng)
	written := finish()
	close(over)
	total := 0
	for range thieves {
		total += <-stolen
	}
	if total == 0 {
		t.Error("nothing was stolen")
	}

	all := d.all()
	if strange := strings.Trim(all, "w0123456789 -.\n[]=runstaedxi"); strange != "" {
		t.Errorf("no run wrote %.100q", strange)
	}
	honest := map[string]int{}
	var text strings.Builder
	for run := thieves + 1; run <= 2*thieves; run++ {
		writer := fmt.Sprint("w", run-1)
		honest[writer] = written[writer]
		for line := range strings.Lines(all) {
			if strings.HasPrefix(line, fmt.Sprintf("[%d] ", run)) {
				text.WriteString(line)
			}
		}
	}
	lost, gaps := d.auditText(text.String(), honest)
	t.Logf("%d bytes stolen; %d of %d lines of others lost in %d gaps", total, lost, sum(honest), gaps)
	if gaps > *kills {
		t.Errorf("%d gaps, more than one for each kill", gaps)
	}
}

// steal reads from a pipe until over is closed.
func steal(fd int, rng *rand.Rand, over <-chan struct{}, stolen chan<- int) {
	total := 0
	buf := make([]byte, 64<<10)
	for {
		select {
		case <-over:
			stolen <- total
			return
		default:
		}
		if n, err := unix.Read(fd, buf[:1+rng.IntN(len(buf))]); err == nil {
			total += n
		} else {
			time.Sleep(time.Duration(rng.IntN(100)) * time.Microsecond) // so that the recorder also gets something
		}
	}
}
