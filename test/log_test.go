package test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestB30FloodOfOutput: a job writes as fast as it can, a hundred times as much as its log may hold. The daemon cuts
// the log while the job writes, and no line is lost, doubled or broken between the archives and the live file. With
// -long, the job writes three million lines. In the middle, the job waits until there are three archives.
func TestB30FloodOfOutput(t *testing.T) {
	lines := 1_500_000
	if *long {
		lines = 3_000_000
	}
	misbehave := ownProgram(t, "misbehave")
	s := newServer(t)
	if !canCutLogs(t, s.root) {
		t.Skip("this file system cannot remove the front of a file")
	}
	const most = 1 << 20
	s.writeJobs("flood.toml", fmt.Sprintf("cmd = [%q, \"flood\", \"%d\", %q]\nlog = {max_size = %d, keep = 1000}\n",
		misbehave, lines, filepath.Join(s.root, "log", "flood.log.3"), most))
	s.startReady()
	before := usageOf(t, s.daemonPID())
	began := time.Now()
	s.jobsd("start", "flood")
	state := s.waitState("the flood to end", func(state *statefile.State) bool { return state.Jobs["flood"].LastRun != nil })
	took := time.Since(began)
	after := usageOf(t, s.daemonPID())
	if r := state.Jobs["flood"].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Fatalf("flood: got %+v, want exit code 0", r)
	}

	live := filepath.Join(s.root, "log", "flood.log")
	var parts []io.Reader
	total, archives, largest, largestArchive := int64(0), 0, int64(0), int64(0)
	for n := 0; ; n++ {
		name := live
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		st, _ := f.Stat()
		total, archives, largest = total+st.Size(), n, max(largest, st.Size())
		if n > 0 {
			largestArchive = max(largestArchive, st.Size())
		}
		parts = append([]io.Reader{f}, parts...)
	}
	next := 0
	r := bufio.NewReader(io.MultiReader(parts...))
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break
		}
		if strings.HasPrefix(line, "== ") {
			continue
		}
		if want := fmt.Sprintf("%09d %0*d\n", next, next%173, 0); line != want {
			t.Fatalf("line %d: got %q, want %q", next, line, want)
		}
		next++
	}
	if next != lines {
		t.Errorf("got %d lines, want %d", next, lines)
	}
	if largestArchive > most {
		t.Errorf("an archive has %d bytes, want at most %d: the daemon copied too much at once", largestArchive, most)
	}
	t.Logf("%.0f MB/s, %d lines whole and in order, %d cuts, the largest file %.1f MB; the daemon used %.0f ms of CPU, RSS %.1f MB",
		float64(total)/1e6/took.Seconds(), next, archives, float64(largest)/1e6, float64(after.ns-before.ns)/1e6, float64(after.rss)/1024)

	// logs reads all archives.
	out := s.jobsd("logs", "--run", "1", "flood")
	if n := strings.Count(out, "\n"); n != lines+2 && n != lines+1 {
		t.Errorf("logs --run prints %d lines, want %d and one or two log markers", n, lines)
	}
	s.kill(15)
}

func canCutLogs(t *testing.T, dir string) bool {
	f := filepath.Join(dir, "probe")
	if err := os.WriteFile(f, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f)
	front, err := spawn.CopyFront(f, "", 4096, 0)
	if err == nil {
		err = spawn.CutFront(f, front)
	}
	if err != nil && !errors.Is(err, spawn.ErrCannotCut) {
		t.Fatal(err)
	}
	return err == nil
}
