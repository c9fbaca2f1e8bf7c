package recorder

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var kills = flag.Int("kills", 20, "how often TestKilledRecorder and TestKilledDaemon kill")

// writers are runs that number their lines, of changing length, until stop is closed. Each returns how many it wrote.
func (d *daemon) writers(n int, stop chan struct{}, log Log) (finish func() map[string]int) {
	var all sync.WaitGroup
	written := make([]int, n)
	for w := range n {
		pipe := d.begin(uint64(w+1), log)
		all.Add(1)
		go func() {
			defer all.Done()
			defer pipe.Close()
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			for {
				select {
				case <-stop:
					return
				default:
				}
				var text strings.Builder
				for range rng.IntN(20) {
					fmt.Fprintf(&text, "w%d %d %s.\n", w, written[w], strings.Repeat("-", rng.IntN(200)))
					written[w]++
				}
				if _, err := pipe.WriteString(text.String()); err != nil {
					d.Errorf("writer %d: %v", w, err)
					return
				}
			}
		}()
	}
	return func() map[string]int {
		close(stop)
		all.Wait()
		for w := range n {
			d.finish(uint64(w + 1))
		}
		total := map[string]int{}
		for w := range n {
			total[fmt.Sprint("w", w)] = written[w]
		}
		return total
	}
}

// audit returns the number of lines that the log lacks, and the number of gaps that they are in. It fails for a line
// that is there twice, out of order or torn.
func (d *daemon) audit(written map[string]int) (lost, gaps int) {
	d.Helper()
	return d.auditText(d.all(), written)
}

func (d *daemon) auditText(text string, written map[string]int) (lost, gaps int) {
	d.Helper()
	next := map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "== ") {
			continue
		}
		f := strings.Fields(line)
		if len(f) == 4 && f[0][0] == '[' { // the label
			f = f[1:]
		}
		var n int
		if len(f) != 3 || f[2][len(f[2])-1] != '.' {
			d.Errorf("torn: %q", line)
			continue
		}
		if _, err := fmt.Sscan(f[1], &n); err != nil {
			d.Errorf("torn: %q", line)
			continue
		}
		switch want := next[f[0]]; {
		case n < want:
			d.Errorf("%s wrote %d twice", f[0], n)
		case n > want:
			lost += n - want
			gaps++
		}
		next[f[0]] = n + 1
	}
	for w, n := range written {
		if next[w] != n {
			lost += n - next[w]
			gaps++
		}
	}
	return lost, gaps
}

// killOften kills the recorder at random moments and starts another one each time.
func (d *daemon) killOften(rng *rand.Rand) {
	d.Helper()
	for range *kills {
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond) // the random moment
		d.kill()
		d.start()
		d.resume()
	}
}

func TestKilledRecorder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	d := newDaemon(t)
	d.start()
	finish := d.writers(50, make(chan struct{}), Log{MaxSize: 3_000_000, Keep: 1_000_000})
	d.killOften(rng)
	written := finish()
	lost, gaps := d.audit(written)
	t.Logf("%d kills: %d lines lost in %d gaps of %d lines", *kills, lost, gaps, sum(written))
	if lost > 0 {
		t.Errorf("%d lines are lost", lost)
	}
}

// TestKilledRecorderStdout: after each kill, lines may be missing on standard output, but none is there twice or torn.
// The log has them.
func TestKilledRecorderStdout(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	d := newDaemon(t)
	read := d.readStdout()
	d.start()
	finish := d.writers(20, make(chan struct{}), Log{MaxSize: 3_000_000, Keep: 1_000_000, Stdout: "text"})
	d.killOften(rng)
	written := finish()
	if lost, _ := d.audit(written); lost > 0 {
		t.Errorf("the log lacks %d lines", lost)
	}
	text := read()
	lost, _ := d.auditText(withoutLabels(text), written)
	t.Logf("%d kills: %d of %d lines are missing on standard output", *kills, lost, sum(written))
	markers := map[string]int{}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "]== ") {
			if markers[line]++; markers[line] > 1 {
				t.Errorf("twice: %q", line)
			}
		}
	}
}

func sum(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// TestKilledDaemonStdout: a new daemon brings the same standard output again, as after an upgrade. No line is lost, twice,
// torn or in the wrong order.
func TestKilledDaemonStdout(t *testing.T) {
	d := newDaemon(t)
	read := d.readStdout()
	d.start()
	finish := d.writers(10, make(chan struct{}), Log{MaxSize: 3_000_000, Keep: 1_000_000, Stdout: "text"})
	for range *kills {
		d.conn.Close()
		d.got = nil
		d.connect()
	}
	written := finish()
	if lost, _ := d.auditText(withoutLabels(read()), written); lost > 0 {
		t.Errorf("%d of %d lines are lost", lost, sum(written))
	}
}

// readStdout makes a pipe the standard output and reads it. The function that it returns ends the recorder and returns
// all that it wrote there.
func (d *daemon) readStdout() (end func() string) {
	d.Helper()
	out := d.stdoutPipe()
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(out)
		read <- string(text)
	}()
	return func() string {
		d.Helper()
		d.drain()
		d.stdout.Close()
		d.conn.Close()
		d.cmd.Wait()
		return <-read
	}
}

var labels = regexp.MustCompile(`(?m)^a\[\d+\]( |(==))`)

func withoutLabels(text string) string { return labels.ReplaceAllString(text, "$2") }

// TestKilledDaemon: the daemon dies again and again, and a new one connects.
func TestKilledDaemon(t *testing.T) {
	d := newDaemon(t)
	d.start()
	finish := d.writers(10, make(chan struct{}), Log{MaxSize: 3_000_000, Keep: 1_000_000})
	for range *kills {
		d.conn.Close()
		d.got = nil
		d.connect()
	}
	written := finish()
	if lost, _ := d.audit(written); lost > 0 {
		t.Errorf("%d of %d lines are lost", lost, sum(written))
	}
}
