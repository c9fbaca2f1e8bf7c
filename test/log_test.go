package test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

// TestB30FloodOfOutput: a job writes as fast as it can, much more than one file of its log may hold. The recorder
// rotates the log meanwhile. Each line is in the log once, whole and in order, and no file is too large. With -long, the
// job writes three million lines. A second job writes the same with the default size of a log. The floor is the same
// program, whose output cat(1) copies to a file.
func TestB30FloodOfOutput(t *testing.T) {
	lines := 100_000
	if *long {
		lines = 3_000_000
	}
	misbehave := ownProgram(t, "misbehave")
	flood := fmt.Sprintf("cmd = [%q, \"flood\", \"%d\"]\n", misbehave, lines)
	s := newServer(t)
	s.writeJobs("small.toml", flood+"log = {max_size = \"1MB\", keep = 1000}\n")
	s.writeJobs("usual.toml", flood+"log = {keep = 1000}\n")
	s.startReady()
	for job, most := range map[string]int64{"small": 1_000_000, "usual": 10_000_000} { // in any order
		floor := floodThroughCat(t, misbehave, lines)
		daemon, recorder := usageOf(t, s.daemonPID()), s.recorderUsage()
		began := time.Now()
		s.jobsd("start", job)
		state := s.waitState("the flood to end", func(state *statefile.State) bool {
			last := state.Jobs[job].LastRun
			return last != nil && last.Output != nil && last.Output.To != nil
		})
		took := time.Since(began)
		daemonNow, recorderNow := usageOf(t, s.daemonPID()), s.recorderUsage()
		if r := state.Jobs[job].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
			t.Fatalf("%s: got %+v, want exit code 0", job, r)
		}
		bytes, files, largest := auditFlood(t, filepath.Join(s.root, "log", job+".log"), lines)
		if largest > most {
			t.Errorf("%s: a file has %d bytes, want at most %d", job, largest, most)
		}
		megabytes := float64(bytes) / 1e6
		t.Logf("max_size %d: %d lines whole and in order in %d files, the largest %.1f MB; %.0f MB/s, cat > file %.0f MB/s; CPU of the daemon %.0f ms, of the recorder %.0f ms; RSS %.1f and %.1f MB",
			most, lines, files, float64(largest)/1e6, megabytes/took.Seconds(), megabytes/floor.Seconds(), float64(daemonNow.ns-daemon.ns)/1e6,
			float64(recorderNow.ns-recorder.ns)/1e6, float64(daemonNow.rss)/1024, float64(recorderNow.rss)/1024)

		// logs reads all files.
		out := s.jobsd("logs", "--run", strconv.FormatUint(state.Jobs[job].LastRun.Run, 10), job)
		if n := strings.Count(out, "\n"); n != lines+2 {
			t.Errorf("logs --run prints %d lines, want %d and two log markers", n, lines)
		}
	}
	s.kill(15)
}

// floodThroughCat copies a flood to a file by cat(1) and returns how long that took.
func floodThroughCat(t *testing.T, misbehave string, lines int) time.Duration {
	t.Helper()
	began := time.Now()
	cmd := exec.Command("sh", "-c", `"$0" flood "$1" | cat > "$2"`, misbehave, strconv.Itoa(lines), filepath.Join(t.TempDir(), "copy"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return time.Since(began)
}

// auditFlood fails the test unless the files of a log have each line of a flood once, whole and in order. It returns the
// number of bytes and files, and the size of the largest file.
func auditFlood(t *testing.T, live string, lines int) (total int64, files int, largest int64) {
	t.Helper()
	var parts []io.Reader
	for name := live; ; name = live + "." + strconv.Itoa(files) {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		files, total, largest = files+1, total+st.Size(), max(largest, st.Size())
		parts = append([]io.Reader{f}, parts...)
	}
	next := 0
	for scan := bufio.NewScanner(io.MultiReader(parts...)); scan.Scan(); {
		line := scan.Text()
		if strings.HasPrefix(line, "== ") {
			continue
		}
		if want := fmt.Sprintf("%09d %0*d", next, next%173, 0); line != want {
			t.Fatalf("line %d: got %q, want %q", next, line, want)
		}
		next++
	}
	if next != lines {
		t.Errorf("got %d lines, want %d", next, lines)
	}
	return total, files, largest
}
