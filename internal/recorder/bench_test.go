package recorder

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkLines writes 3,000,000 lines through a recorder, with and without rotation, and compares it with what copies
// them to a file, in the same run.
func BenchmarkLines(b *testing.B) {
	var text bytes.Buffer
	for n := range 3_000_000 {
		fmt.Fprintf(&text, "line %d of the output of a job\n", n)
	}
	for _, maxSize := range []int64{0, 1_000_000} {
		b.Run(fmt.Sprintf("max_size=%d", maxSize), func(b *testing.B) {
			var floor, own time.Duration
			for range b.N {
				floor += copyThroughPipe(b, text.Bytes())
				d := newDaemon(b)
				d.start()
				began := time.Now()
				p := d.begin(1, Log{MaxSize: maxSize, Keep: 3})
				for rest := text.Bytes(); len(rest) > 0; {
					n, err := p.Write(rest[:min(len(rest), 64<<10)])
					d.must(err)
					rest = rest[n:]
				}
				p.Close()
				d.finish(1)
				own += time.Since(began)
				d.end()
				d.conn, d.cmd, d.copies = nil, nil, nil
			}
			b.SetBytes(int64(text.Len()))
			b.ReportMetric(float64(own)/float64(floor), "x-of-a-copy")
		})
	}
}

// BenchmarkShortRuns records runs that print nothing, each with a log of its own, a few at a time, and measures the CPU
// time of the recorder.
func BenchmarkShortRuns(b *testing.B) {
	const together = 16
	d := newDaemon(b)
	d.start()
	for n := 0; n < b.N; n += together {
		last := uint64(min(n+together, b.N))
		for run := uint64(n + 1); run <= last; run++ {
			d.shortRun(run)
		}
		for run := uint64(n + 1); run <= last; run++ {
			d.send(Message{Kind: End, Run: run, Job: "short", Log: d.starts[run].Log, Text: "run 1 exited 0"})
		}
		for run := uint64(n + 1); run <= last; run++ {
			d.wait(Ended, run)
			d.send(Message{Kind: Done, Run: run})
			d.got = slices.DeleteFunc(d.got, func(m Received) bool { return m.Kind == Began || m.Kind == Closed })
		}
	}
	d.end()
	used := d.cmd.ProcessState.UserTime() + d.cmd.ProcessState.SystemTime()
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "us-of-recorder/op")
	d.conn, d.cmd = nil, nil
}

// shortRun begins a run whose process ends at once.
func (d *daemon) shortRun(run uint64) {
	var p [2]int
	d.must(unix.Pipe(p[:]))
	log := &Log{Path: filepath.Join(d.dir, fmt.Sprintf("job%d.log", run)), MaxSize: 10_000_000, Keep: 5}
	m := Message{Kind: Begin, Run: run, Job: "short", Log: log, Text: fmt.Sprintf("run %d started", run)}
	d.starts[run] = m
	d.send(m, p[0])
	unix.Close(p[0])
	unix.Close(p[1])
}

// copyThroughPipe is the floor: one process writes to a pipe, and cat(1) copies it to a file.
func copyThroughPipe(b *testing.B, text []byte) time.Duration {
	b.Helper()
	cat := exec.Command("cat")
	out, err := os.Create(filepath.Join(b.TempDir(), "copy"))
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	cat.Stdout = out
	in, err := cat.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		b.Skip(err)
	}
	began := time.Now()
	for len(text) > 0 {
		n, err := in.Write(text[:min(len(text), 64<<10)])
		if err != nil {
			b.Fatal(err)
		}
		text = text[n:]
	}
	in.Close()
	cat.Wait()
	return time.Since(began)
}
