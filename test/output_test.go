package test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/joblog"
	"jobsd/statefile"
)

var (
	kills   = flag.Int("kills", 0, "how often each case of TestOutputSurvives kills or upgrades; 0: a few times")
	writers = flag.Int("writers", 5, "how many jobs write in TestOutputSurvives")
)

// survivor is a daemon with jobs that number their lines.
type survivor struct {
	*server
	names []string
	rng   *rand.Rand
	last  int            // pid of the recorder that was killed last
	got   map[string]int // lines in the logs, by run
}

func newSurvivor(t *testing.T, s *server) *survivor {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	v := &survivor{server: s, rng: rand.New(rand.NewPCG(seed, 0)), got: map[string]int{}}
	var jobs strings.Builder
	for n := range *writers {
		name := fmt.Sprint("j", n)
		v.names = append(v.names, name)
		fmt.Fprintf(&jobs, "[[jobs]]\nname = %q\ncmd = [%q, \"number\", %q]\nlog = {max_size = %d, keep = 1000}\n", name,
			ownProgram(t, "misbehave"), s.root, 100_000+*kills*10_000)
	}
	s.writeJobs("jobs.toml", jobs.String())
	s.startReady()
	v.begin()
	return v
}

// begin starts all jobs, which write from then on.
func (v *survivor) begin() {
	v.t.Helper()
	v.jobsd(append([]string{"start"}, v.names...)...)
	v.waitState("all jobs to run", func(state *statefile.State) bool {
		return len(pidsOf(state)) == len(v.names)
	})
}

// waitMarkers waits until the log of each job has the start marker of its run. While many runs start, the recorder leaves
// the processors to them, and writes it a moment later.
func (v *survivor) waitMarkers() {
	v.t.Helper()
	for name, j := range v.readState().Jobs {
		marker := fmt.Sprintf("== run %d started ", j.Running[0].Run)
		v.waitFor("the start marker of "+name, func() bool {
			files, _ := filepath.Glob(joblog.Path(filepath.Join(v.root, "log"), name) + "*")
			return slices.ContainsFunc(files, func(file string) bool { // it may have been rotated since
				text, _ := os.ReadFile(file)
				return bytes.Contains(text, []byte(marker))
			})
		})
	}
}

// moment waits for a random moment.
func (v *survivor) moment() { time.Sleep(time.Duration(v.rng.IntN(40)) * time.Millisecond) }

// recorders returns the pids of the recorders of this root: those that have the socket in the run directory open.
func (s *server) recorders() (pids []int) {
	s.t.Helper()
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		s.t.Fatal(err)
	}
	var inodes []string
	for line := range strings.Lines(string(sockets)) {
		if f := strings.Fields(line); len(f) == 8 && f[7] == filepath.Join(s.root, "run", "recorder.sock") {
			inodes = append(inodes, "socket:["+f[6]+"]")
		}
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range all {
		if title, _ := os.ReadFile(filepath.Join(proc, "cmdline")); !bytes.Contains(title, []byte("\x00@recorder\x00")) {
			continue
		}
		fds, _ := filepath.Glob(filepath.Join(proc, "fd", "*"))
		for _, fd := range fds {
			if to, _ := os.Readlink(fd); slices.Contains(inodes, to) {
				pid, _ := strconv.Atoi(filepath.Base(proc))
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// recorder waits until there is exactly one recorder other than the old one, and returns its pid.
func (s *server) recorder(old int) (pid int) {
	s.t.Helper()
	s.waitFor("a recorder", func() bool {
		pids := s.recorders()
		if len(pids) == 1 {
			pid = pids[0]
		}
		return pid != 0 && pid != old
	})
	return pid
}

// killRecorder kills a recorder that was not killed before.
func (v *survivor) killRecorder() {
	v.t.Helper()
	v.last = v.recorder(v.last)
	syscall.Kill(v.last, syscall.SIGKILL)
}

// finish lets the writers end, and returns how many lines each has written.
func (v *survivor) finish() map[string]int {
	v.t.Helper()
	writeFile(v.t, filepath.Join(v.root, "stop"), "")
	state := v.waitState("all output to be written", func(state *statefile.State) bool {
		for _, name := range v.names {
			j := state.Jobs[name]
			if len(j.Running) > 0 || j.LastRun == nil || j.LastRun.Output == nil || j.LastRun.Output.To == nil {
				return false
			}
		}
		return true
	})
	written := map[string]int{}
	for _, name := range v.names {
		last := state.Jobs[name].LastRun
		if last.Outcome != statefile.OutcomeExited || *last.ExitCode != 0 {
			v.t.Errorf("%s: got %+v, want exit code 0", name, last)
			continue
		}
		text, err := os.ReadFile(filepath.Join(v.root, fmt.Sprint("run", last.Run)))
		if err != nil {
			v.t.Fatal(err)
		}
		written[fmt.Sprint(last.Run)], err = strconv.Atoi(string(text))
		if err != nil {
			v.t.Fatal(err)
		}
	}
	return written
}

// wholeLog returns a reader of all files of a log, from the oldest on, and the number of files.
func (s *server) wholeLog(job string) (io.Reader, int) {
	s.t.Helper()
	path := joblog.Path(filepath.Join(s.root, "log"), job)
	var files []io.Reader
	for n := 0; ; n++ {
		name := path
		if n > 0 {
			name = joblog.Archive(path, n)
		}
		f, err := os.Open(name)
		if err != nil && n > 0 {
			slices.Reverse(files)
			return io.MultiReader(files...), n
		}
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { f.Close() })
		files = append(files, f)
	}
}

// outputLost is in the marker of a run whose daemon and recorder were killed.
const outputLost = ": the daemon and the recorder were killed; the output of the run from here on is lost"

// audit reads the logs. Each line must be there once, in order and whole. Only the last one before the marker that the
// rest is lost may be cut. It returns the markers of each job.
func (v *survivor) audit() (markers map[string][]string) {
	v.t.Helper()
	markers = map[string][]string{}
	files := 0
	for _, name := range v.names {
		log, n := v.wholeLog(name)
		files += n
		lines := bufio.NewScanner(log)
		cut := ""
		for wrong := 0; lines.Scan() && wrong < 10; {
			line := lines.Text()
			if strings.HasPrefix(line, "== ") {
				markers[name] = append(markers[name], line)
				if strings.HasSuffix(line, outputLost) {
					cut = ""
				}
				continue
			}
			if cut != "" {
				wrong++
				v.t.Errorf("%s: the line %.200q is cut", name, cut)
				cut = ""
			}
			run, _, _ := strings.Cut(line, " ")
			if want := string(numberedLine(nil, run, v.got[run])); line+"\n" != want && strings.HasPrefix(want, line) {
				cut = line
			} else if line+"\n" != want {
				wrong++
				v.t.Errorf("%s: got the line %.200q, want %.200q", name, line, want)
			}
			v.got[run]++
		}
		if err := lines.Err(); err != nil || cut != "" {
			v.t.Errorf("%s: %v, the line %.200q is cut", name, err, cut)
		}
	}
	v.t.Logf("%d files of logs", files)
	return markers
}

// checkComplete checks that the logs have all lines of the last runs, and returns their number.
func (v *survivor) checkComplete(written map[string]int) (total int) {
	v.t.Helper()
	v.audit()
	for run, n := range written {
		total += n
		if got := v.got[run]; got != n {
			v.t.Errorf("run %s: got %d lines, want %d", run, got, n)
		}
	}
	return total
}

// TestOutputSurvives: the recorder, the daemon, or both are killed at random moments, or the daemon is upgraded, while
// jobs write and logs are rotated.
func TestOutputSurvives(t *testing.T) {
	needLinux(t, "finds the recorder in /proc")
	for _, c := range []struct {
		name  string
		times int
		harm  func(v *survivor)
	}{
		{"recorder", 10, func(v *survivor) { v.killRecorder() }},
		{"daemon", 5, func(v *survivor) {
			v.kill(syscall.SIGKILL)
			v.moment()
			v.startReady()
		}},
		{"upgrade", 3, func(v *survivor) {
			old := v.recorder(0)
			v.jobsd("upgrade", "--wait")
			v.recorder(old) // the new program has its own
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newSurvivor(t, newServer(t))
			times := orKills(c.times)
			for range times {
				v.moment()
				c.harm(v)
			}
			total := v.checkComplete(v.finish())
			t.Logf("%d times, %d writers, %d lines", times, len(v.names), total)
			if pids := v.recorders(); len(pids) != 1 {
				t.Errorf("got the recorders %d, want one", pids)
			}
			v.terminate()
		})
	}
}

// orKills returns how often to kill: n times, unless a flag says something else.
func orKills(n int) int {
	if *kills > 0 {
		return *kills
	}
	return n
}

// TestOutputAfterBothKilled: the daemon and the recorder are killed at the same moment, so nobody reads the output of
// the runs any more. What their logs have until then is whole.
func TestOutputAfterBothKilled(t *testing.T) {
	needLinux(t, "finds the recorder in /proc")
	v := newSurvivor(t, newServer(t))
	var ended []*statefile.Run
	for range orKills(3) {
		v.waitMarkers()
		v.moment()
		recorder := v.recorder(0)
		v.cmd.Process.Signal(syscall.SIGSTOP) // so that it does not start another recorder in between
		syscall.Kill(recorder, syscall.SIGKILL)
		v.kill(syscall.SIGKILL)
		v.startReady()
		for _, name := range v.names {
			ended = append(ended, v.waitLastRun(name))
		}
		v.begin()
	}
	v.finish()
	markers := v.audit()
	for i, r := range ended {
		name := v.names[i%len(v.names)]
		first := fmt.Sprintf("== run %d ", r.Run)
		at := slices.IndexFunc(markers[name], func(m string) bool { return strings.HasPrefix(m, first+"started ") })
		if at < 0 || at+2 >= len(markers[name]) || !strings.HasSuffix(markers[name][at+1], outputLost) ||
			!strings.HasPrefix(markers[name][at+2], first) {
			t.Errorf("run %d of %s: got the markers %q, want its start, that its output is lost, and its end", r.Run, name, markers[name])
		}
		if r.Outcome != statefile.OutcomeLost && (r.Outcome != statefile.OutcomeSignaled || *r.Signal != "PIPE") {
			t.Errorf("run %d of %s: got %+v, want a run whose reader is gone", r.Run, name, r)
		}
	}
	v.terminate()
}
