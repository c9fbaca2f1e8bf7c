package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"jobsd/internal/joblog"
	"jobsd/statefile"
)

// oddJobs treat their output in unusual ways. In what the log must be, the markers of a run are <start> and <end>, and N
// is its number.
var oddJobs = []struct {
	name, keys, shell string
	log               string
}{
	{"silent", "", "exit 0", "<start><end>"},
	{"unfinished", "", "printf abc", "<start>abc\n<end>"},
	{"closes", "", "echo one; exec >&-; echo two >&2; exec 2>&-; sleep 0.02", "<start>one\ntwo\n<end>"},
	{"bytes", "", `printf 'a\000b\377\n\r\n\303(\n'`, "<start>a\x00b\xff\n\r\n\xc3(\n<end>"},
	{"slow", "", "for c in a b c d e; do printf $c; sleep 0.01; done; echo; printf f; sleep 0.01; echo g", "<start>abcde\nfg\n<end>"},
	{"nohup", `leftovers = "keep"`, "nohup sh -c 'while [ ! -e GO ]; do sleep 0.01; done; echo late' & echo early", "<start>early\n<end>[N] late\n"},
	{"setsid", "", "setsid sh -c 'while [ ! -e GO ]; do sleep 0.01; done; echo late' & echo early", "<start>early\n<end>[N] late\n"},
}

// writeOddJobs writes the odd jobs of a user. The file lets late writers go on.
func (s *server) writeOddJobs(user, file string) {
	var b strings.Builder
	for _, j := range oddJobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = %q\ndir = \"/\"\n%s\n%s\nshell = '''%s'''\n", user+j.name, userKey(user), j.keys, strings.ReplaceAll(j.shell, "GO", file))
	}
	s.writeJobs(user+"odd.toml", b.String())
}

func userKey(user string) string {
	if user == "" {
		return ""
	}
	return fmt.Sprintf("user = %q", user)
}

// waitOutput waits until all output of the last run of a job is in its log.
func (s *server) waitOutput(job string) *statefile.Run {
	s.t.Helper()
	return s.waitState("the output of "+job, func(state *statefile.State) bool {
		j := state.Jobs[job]
		return j != nil && j.LastRun != nil && len(j.Running) == 0 && j.LastRun.Output != nil && j.LastRun.Output.To != nil
	}).Jobs[job].LastRun
}

func (s *server) readLog(job string) string {
	text, err := os.ReadFile(joblog.Path(filepath.Join(s.root, "log"), job))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// oddUsers are the users of the odd jobs: the one of the daemon, and another one.
func oddUsers() []string {
	if os.Geteuid() == 0 {
		return []string{"", "nobody"}
	}
	return []string{""}
}

// TestOddOutput: the log of each odd job has what the job wrote, byte for byte, between its markers.
func TestOddOutput(t *testing.T) {
	t.Parallel()
	needProgram(t, "setsid", "needs setsid(1)")
	s := newServer(t)
	s.openToOthers()
	file := filepath.Join(s.root, "go")
	var names []string
	for _, user := range oddUsers() {
		s.writeOddJobs(user, file)
		for _, j := range oddJobs {
			names = append(names, user+j.name)
		}
	}
	s.startReady()
	s.jobsd(append([]string{"start"}, names...)...)
	runs := map[string]*statefile.Run{}
	for _, name := range names {
		runs[name] = s.waitOutput(name)
	}
	writeFile(t, file, "")
	for _, user := range oddUsers() {
		for _, j := range oddJobs {
			r := runs[user+j.name]
			want := strings.ReplaceAll(j.log, "[N]", fmt.Sprintf("[%d]", r.Run))
			got := ""
			err := poll(waitLimit, nil, func() bool {
				got = s.readLog(user + j.name)
				got = regexp.MustCompile(fmt.Sprintf("== run %d started [^\n]*\n", r.Run)).ReplaceAllString(got, "<start>")
				got = regexp.MustCompile(fmt.Sprintf("== run %d pid [0-9]+ exited 0 [^\n]*\n", r.Run)).ReplaceAllString(got, "<end>")
				return got == want
			})
			if err != nil {
				t.Errorf("%s: got the log %q, want %q", user+j.name, got, want)
			}
		}
	}
	s.terminate()
}

// TestManyWriters: two hundred processes of a run write to its pipe, and other runs of the same job at the same time,
// one byte after the other. All lines are whole.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("jobs.toml", `
[[jobs]]
name = "children"
shell = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); (echo child $i; echo end $i >&2) & done; wait"
[[jobs]]
name = "bytes"
overlap = "allow"
shell = "for n in 1 2 3; do for c in a b c d e; do printf $c; sleep 0.005; done; echo; done"
`)
	s.startReady()
	s.jobsd("start", "bytes")
	s.jobsd("start", "bytes")
	s.jobsd("start", "bytes", "children")
	s.waitOutput("children")
	log := s.readLog("children")
	for n := 1; n <= 200; n++ {
		for _, line := range []string{fmt.Sprintf("\nchild %d\n", n), fmt.Sprintf("\nend %d\n", n)} {
			if strings.Count(log, line) != 1 {
				t.Errorf("the log has %q %d times, want once", line, strings.Count(log, line))
			}
		}
	}
	s.waitState("three runs to have ended", func(state *statefile.State) bool {
		j := state.Jobs["bytes"]
		return j.Runs == 3 && len(j.Running) == 0
	})
	whole := regexp.MustCompile(`^(== run .*|(\[[0-9]+\] )?abcde)$`)
	s.waitFor("all markers", func() bool { return strings.Count(s.readLog("bytes"), "exited 0") == 3 })
	for line := range strings.Lines(s.readLog("bytes")) {
		if line = strings.TrimSuffix(line, "\n"); !whole.MatchString(line) {
			t.Errorf("got the line %q, want a whole one", line)
		}
	}
	s.terminate()
}

// TestLongOutput: a job writes much, and another one writes a long line, which stands in the log in pieces that say so.
// Nothing is lost.
func TestLongOutput(t *testing.T) {
	t.Parallel()
	much, line := 10_000_000, 3<<20
	if *long {
		much, line = 1_000_000_000, 100<<20
	}
	s := newServer(t)
	s.writeJobs("much.toml", fmt.Sprintf("shell = \"yes abcdefghi | head -c %d\"\nlog = {max_size = 2_000_000, keep = 1000}\n", much))
	s.writeJobs("line.toml", fmt.Sprintf("shell = \"head -c %d /dev/zero | tr '\\\\0' x; echo\"\nlog = {max_size = 1_000_000_000}\n", line))
	s.startReady()
	s.jobsd("start", "much", "line")
	if r := s.waitOutput("much"); r.Output.Bytes != int64(much) {
		t.Errorf("got %d bytes of output, want %d", r.Output.Bytes, much)
	}
	whole, files := s.wholeLog("much")
	lines := countLines(t, whole, "abcdefghi")
	t.Logf("%d lines in %d files", lines, files)
	if lines != much/10 {
		t.Errorf("got %d lines, want %d", lines, much/10)
	}
	s.waitOutput("line")
	x, cuts, longest := 0, 0, 0
	for text := range strings.Lines(s.readLog("line")) {
		switch {
		case strings.Trim(text, "x") == "\n":
			x += len(text) - 1
			longest = max(longest, len(text)-1)
		case strings.HasSuffix(text, ": the line above is too long and continues below\n"):
			cuts++
		case !strings.HasPrefix(text, "== run "):
			t.Errorf("got the line %.100q, want x or a marker", text)
		}
	}
	t.Logf("a line of %d bytes in %d pieces, the longest has %d bytes", line, cuts+1, longest)
	if x != line || cuts < line>>20-1 || longest > 1<<20 {
		t.Errorf("got %d bytes in %d pieces of at most %d bytes, want %d bytes in pieces of at most 1 MiB", x, cuts+1, longest, line)
	}
	if rss := peakMemory(t, s.recorder(0)); rss > 48<<10 && !raceDetector {
		t.Errorf("the recorder: got a peak RSS of %d KiB, want at most 48 MiB", rss)
	}
	s.terminate()
}

// TestPipeHeld: a process holds the pipe of its run long after the end of the run. This disturbs no other run. When the
// process ends, daemon and recorder have no descriptor of the run any more.
func TestPipeHeld(t *testing.T) {
	needLinux(t, "counts descriptors in /proc")
	t.Parallel()
	needProgram(t, "setsid", "needs setsid(1)")
	s := newServer(t)
	s.writeJobs("holds.toml", "shell = \"setsid sleep 1000 & echo $! >&2\"\n")
	s.writeJobs("other.toml", "shell = \"echo other\"\n")
	s.startReady()
	s.jobsd("start", "--wait", "other") // starts the recorder
	recorder := s.recorder(0)
	daemonFDs := s.restingDescriptors()
	count := func() (int, int) { return heldDescriptors(t, s.daemonPID()), openDescriptors(t, recorder) }
	_, recorderFDs := count()
	for range 5 {
		s.jobsd("start", "--wait", "holds")
		s.jobsd("start", "--wait", "other")
	}
	s.waitFor("the other output", func() bool { return strings.Count(s.readLog("other"), "\nother\n== run ") == 6 })
	if _, n := count(); n < recorderFDs+5 {
		t.Errorf("the recorder: got %d descriptors, want at least %d, because five pipes are held", n, recorderFDs+5)
	}
	holders := s.waitProcesses("holds", 5)
	for _, pid := range holders {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.waitFor("the descriptors to be closed", func() bool {
		d, r := count()
		return d <= daemonFDs && r <= recorderFDs
	})
	s.terminate()
}

// countLines returns how many lines a log has. Each must be the same, or a marker.
func countLines(t *testing.T, log interface{ Read([]byte) (int, error) }, want string) (n int) {
	t.Helper()
	buf := new(bytes.Buffer)
	if _, err := buf.ReadFrom(log); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(buf.Bytes()) {
		switch text := string(bytes.TrimSuffix(line, []byte("\n"))); {
		case text == want:
			n++
		case !strings.HasPrefix(text, "== run "):
			t.Errorf("got the line %.100q, want %q", text, want)
		}
	}
	return n
}
