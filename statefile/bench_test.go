package statefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manyJobs is the number of jobs in the benchmarks.
const manyJobs = 10_000

// reportCPU reports the CPU time of the process for each round, because on a busy machine the elapsed time says
// little. Call it before the loop, and call the function that it returns after the loop.
func reportCPU(b *testing.B) func() {
	used := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

func benchJob(n int) *Job {
	at := At(time.Date(2026, 11, 23, 4, 35, 0, 0, time.FixedZone("", -5*3600)).Add(time.Duration(n) * time.Second))
	code := 0
	run := &Run{Run: uint64(n), Slot: at, Reason: ReasonSchedule, Attempt: 1, StartedAt: at, EndedAt: at,
		Duration: Seconds(59123456 * time.Microsecond), Outcome: OutcomeExited, ExitCode: &code,
		UserCPU: Seconds(1234 * time.Microsecond), SystemCPU: Seconds(567 * time.Microsecond), MaxRSS: 12345678}
	return &Job{State: "armed", File: fmt.Sprintf("job%05d.toml", n), NextRun: at, LastRun: run, Runs: 17, LastSuccess: at}
}

func benchWriter(b *testing.B) *Writer {
	b.Helper()
	w, _, err := OpenWriter(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	for n := range manyJobs {
		w.Update(fmt.Sprintf("job%05d", n), benchJob(n))
	}
	return w
}

// BenchmarkDocument measures the computation of a write, without the disk.
func BenchmarkDocument(b *testing.B) {
	w := benchWriter(b)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		w.out.Reset(io.Discard)
		w.document()
	}
}

// BenchmarkRemoveAll measures a load that finds that all jobs were renamed. The time for each job must not grow with their
// number.
func BenchmarkRemoveAll(b *testing.B) {
	for _, jobs := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(jobs), func(b *testing.B) {
			j := benchJob(1)
			for b.Loop() {
				w := &Writer{}
				for _, prefix := range []string{"job", "a"} {
					for n := range jobs {
						if prefix == "a" {
							w.Remove(fmt.Sprintf("job%06d", n))
						}
						w.Update(fmt.Sprintf("%s%06d", prefix, n), j)
					}
				}
				w.jobs.inOrder()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*jobs), "ns/job")
		})
	}
}

func BenchmarkEncodeJob(b *testing.B) {
	j := benchJob(1)
	var e encoder
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		e.b = e.b[:0]
		e.object(j)
	}
}

func BenchmarkEncodeJobStandard(b *testing.B) {
	j := benchJob(1)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		buf.Reset()
		if err := enc.Encode(j); err != nil {
			b.Fatal(err)
		}
	}
}

func benchEntries() []Entry {
	run := benchJob(1).LastRun
	return []Entry{
		{run.EndedAt, &Intent{Job: "job00001", Identity: Identity{Run: 1, Slot: run.Slot, Epoch: 1, Reason: ReasonSchedule, Attempt: 1}}},
		{run.EndedAt, &Started{Job: "job00001", Run: 1, PID: 12345, Inode: 67890, BootID: "7c3e4d5a-0000-4000-8000-000000000000"}},
		{run.EndedAt, &Ended{Job: "job00001", Outcome: *run, Drained: true}},
	}
}

// BenchmarkReplay measures the replay of one entry.
func BenchmarkReplay(b *testing.B) {
	var e encoder
	for range 1000 {
		for _, x := range benchEntries() {
			e.entry(x)
		}
	}
	b.ReportAllocs()
	defer reportCPU(b)()
	for n := 0; n < b.N; n += 3000 {
		f := &found{}
		if err := f.read(newLines(bytes.NewReader(e.b)), NewFacts("x"), &doubt{}, nil); err != nil || f.bad > 1 {
			b.Fatal(err, f)
		}
	}
}

// BenchmarkCheckpoint measures a checkpoint of 10,000 jobs.
func BenchmarkCheckpoint(b *testing.B) {
	facts := NewFacts("x")
	for n := range manyJobs {
		j := facts.Job(fmt.Sprintf("job%05d", n))
		run := benchJob(n).LastRun
		j.LastRun, j.FirstLoad, j.LastSlot, j.EpochSlot, j.LastStart = run, run.Slot, run.Slot, run.Slot, run.Slot
		j.LastSuccess = run.EndedAt
		j.Schedule, j.Process, j.Runs = 0x0123456789abcdef, 0x0123456789abcdef, 17
	}
	b.ReportAllocs()
	var size int64
	defer reportCPU(b)()
	for b.Loop() {
		size, _ = writeCheckpoint(io.Discard, facts, At(time.Unix(0, 0)), 0)
	}
	b.ReportMetric(float64(size), "bytes")
}
