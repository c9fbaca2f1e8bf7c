package test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

// TestA18PowerCut records each system call of the daemon on its state directory, and each program that it executes. The
// power may fail after every call. Then the disk has all that was written; or only what was made durable; or all new
// names, but only the durable content of the files. From each of these states, the journal must recover, and state.json
// must be one of those that were written. The journal must know everything that was executed, so that nothing is
// executed again: slots, delayed starts, retries, runs at boot. It must not give the number of an executed run to
// another run.
func TestA18PowerCut(t *testing.T) {
	needProgram(t, "strace", "needs strace(1)")
	t.Parallel()
	s := newServer(t)
	trace := filepath.Join(t.TempDir(), "trace")
	s.wrap = []string{"strace", "-f", "-y", "-xx", "-v", "-s", "10000000", "-o", trace,
		"-e", "trace=openat,write,fsync,fdatasync,renameat,renameat2,linkat,unlinkat,ftruncate,execve"}
	var jobs strings.Builder
	for n := range 12 {
		fmt.Fprintf(&jobs, "[[jobs]]\nname = \"job%d\"\nevery = \"1s\"\ncmd = [\"true\"]\n", n)
	}
	jobs.WriteString("[[jobs]]\nname = \"boot\"\nat_boot = true\ncmd = [\"true\"]\n")
	jobs.WriteString("[[jobs]]\nname = \"after\"\nafter = [\"job0\"]\ncmd = [\"true\"]\n")
	jobs.WriteString("[[jobs]]\nname = \"flaky\"\nretries = 5\nretry_delay = \"10ms\"\ncmd = [\"false\"]\n")
	jobs.WriteString("[[jobs]]\nname = \"delayed\"\noverlap = \"allow\"\ncmd = [\"true\"]\n")
	jobs.WriteString("[[jobs]]\nname = \"service\"\nkeep_alive = { delay = \"50ms\", max_delay = \"50ms\" }\ncmd = [\"true\"]\n")
	s.writeJobs("jobs.toml", jobs.String())
	s.writeJobs("../jobsd.toml", "[journal]\nmax_size = \"64KiB\"\nkeep = 2\n")
	s.start()
	s.waitState("the first load", func(state *statefile.State) bool { return state.Daemon.Reload.Done > 0 })
	for n := range 8 {
		s.jobsd("start", "delayed", "--in", fmt.Sprint(1+n*100, "ms"))
	}
	s.jobsd("start", "flaky")
	deadline := time.After(2 * waitLimit)
	for rotated := false; !rotated; { // the trace must have a rotation of the journal
		_, err := os.Stat(filepath.Join(s.root, "state", "history.jsonl.1"))
		rotated = err == nil
		select {
		case <-s.done:
			t.Skip("strace cannot trace here")
		case <-deadline:
			t.Fatal("the journal was not rotated in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.waitState("some runs after that", func(state *statefile.State) bool {
		slots := uint64(0)
		for n := range 12 {
			slots += state.Jobs[fmt.Sprint("job", n)].Runs
		}
		runs := func(job string) uint64 { return state.Jobs[job].Runs }
		return runs("job0") > 2 && slots > 24 && runs("delayed") == 8 && runs("flaky") == 6 && runs("boot") == 1 &&
			runs("after") > 2 && runs("service") > 5
	})
	s.killTraced()
	calls := readTrace(t, trace)
	d := &model{dir: filepath.Join(s.root, "state"), names: map[string]*inode{}, durable: map[string]*inode{}, states: map[string]bool{}}
	executed, reasons := map[uint64]execution{}, map[statefile.Reason]int{}
	cuts, seen := 0, map[string]bool{}
	for i, c := range calls {
		if run, e := c.execution(); run > 0 {
			executed[run] = e
			reasons[e.reason]++
		}
		if !d.perform(c) && c.name != "execve" {
			continue
		}
		for how, files := range d.afterCut() {
			key := fmt.Sprint(len(executed), files)
			if seen[key] {
				continue
			}
			seen[key] = true
			cuts++
			recoverFrom(t, fmt.Sprintf("%s after call %d, %s", how, i, c.name), files, d.states, executed)
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d calls, %d executions (%v), %d states of the disk", len(calls), len(executed), reasons, cuts)
	reasons[statefile.ReasonSchedule] += reasons[statefile.ReasonCatchUp] // a slow machine is late
	for reason, least := range map[statefile.Reason]int{statefile.ReasonSchedule: 20, statefile.ReasonManual: 12,
		statefile.ReasonBoot: 1, statefile.ReasonAfter: 2, statefile.ReasonService: 5} {
		if reasons[reason] < least {
			t.Errorf("got %d executions with the reason %q, want at least %d", reasons[reason], reason, least)
		}
	}
}

// killTraced kills a daemon under strace, and waits for the end of strace.
func (s *server) killTraced() {
	if pid := s.readState().Daemon.PID; pid > 0 {
		exec.Command("kill", "-KILL", strconv.Itoa(pid)).Run()
	}
	<-s.done
	s.cmd = nil
}

// call is one system call that succeeded.
type call struct {
	name string
	args string
}

var (
	traceLine = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (\d+)`)
	unfinish  = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumed   = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)\) += (\d+)`)
	quoted    = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	descr     = regexp.MustCompile(`<((?:\\x[0-9a-f]{2})*)>`)
)

func readTrace(t *testing.T, file string) (calls []call) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	begun := map[string]call{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := unfinish.FindStringSubmatch(line); m != nil {
			begun[m[1]] = call{m[2], m[3]}
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			c := begun[m[1]]
			calls = append(calls, call{c.name, c.args + m[2]})
		} else if m := traceLine.FindStringSubmatch(line); m != nil {
			calls = append(calls, call{m[2], m[3]})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}

func unhex(s string) string {
	b, _ := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	return string(b)
}

func findAll(re *regexp.Regexp, s string) (list []string) {
	for _, m := range re.FindAllStringSubmatch(s, -1) {
		list = append(list, unhex(m[1]))
	}
	return list
}

// execution says why a run was executed.
type execution struct {
	job    string
	reason statefile.Reason
	slot   time.Time // zero if no schedule asked for the run
}

// execution returns the run whose program a call executes, or 0 if it executes none.
func (c call) execution() (run uint64, e execution) {
	if c.name != "execve" {
		return 0, e
	}
	for _, word := range findAll(quoted, c.args) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "JOBSD_RUN":
			run, _ = strconv.ParseUint(value, 10, 64)
		case "JOBSD_JOB":
			e.job = value
		case "JOBSD_REASON":
			e.reason = statefile.Reason(value)
		case "JOBSD_SLOT":
			e.slot, _ = time.Parse(time.RFC3339, value)
		}
	}
	return run, e
}

// inode is a file: its content, and the content that is durable.
type inode struct{ content, durable []byte }

// model is a state directory on a disk that keeps only durable data after a power cut. It records each state.json.
type model struct {
	dir     string
	names   map[string]*inode
	durable map[string]*inode
	states  map[string]bool
}

// perform applies a call to the model, and reports whether the call changed anything.
func (d *model) perform(c call) bool {
	fds, words := findAll(descr, c.args), findAll(quoted, c.args)
	if len(fds) == 0 {
		return false
	}
	in := func(i int) bool { return i < len(fds) && fds[i] == d.dir }
	file := d.names[path.Base(fds[0])]
	here := path.Dir(fds[0]) == d.dir && file != nil
	switch c.name {
	case "openat":
		name := ""
		switch {
		case len(words) == 1 && in(0):
			name = words[0]
		case len(words) == 1 && path.Dir(words[0]) == d.dir:
			name = path.Base(words[0])
		}
		if name == "" || name == "." || strings.Contains(name, "/") || !strings.Contains(c.args, "O_CREAT") || d.names[name] != nil {
			return false
		}
		d.names[name] = &inode{}
	case "write":
		if !here {
			return false
		}
		file.content = append(slices.Clone(file.content), words[0]...)
	case "ftruncate":
		n, err := strconv.Atoi(strings.TrimSpace(c.args[strings.LastIndexByte(c.args, ',')+1:]))
		if !here || err != nil {
			return false
		}
		file.content = slices.Clone(file.content[:n])
	case "fsync", "fdatasync":
		switch {
		case fds[0] == d.dir:
			d.durable = maps.Clone(d.names)
		case here:
			file.durable = file.content
		default:
			return false
		}
	case "renameat", "renameat2", "linkat":
		if !in(0) || len(words) != 2 {
			return false
		}
		d.names[words[1]] = d.names[words[0]]
		if c.name != "linkat" {
			delete(d.names, words[0])
		}
		if words[1] == "state.json" {
			d.states[string(d.names["state.json"].content)] = true
		}
	case "unlinkat":
		if !in(0) || len(words) != 1 {
			return false
		}
		delete(d.names, words[0])
	default:
		return false
	}
	return true
}

// afterCut returns the files that a power cut may leave, for each kind of cut.
func (d *model) afterCut() map[string]map[string]string {
	written, kept, named := map[string]string{}, map[string]string{}, map[string]string{}
	for name, f := range d.names {
		written[name], named[name] = string(f.content), string(f.durable)
	}
	for name, f := range d.durable {
		kept[name] = string(f.durable)
	}
	return map[string]map[string]string{"all written": written, "only what is durable": kept, "new names": named}
}

func recoverFrom(t *testing.T, what string, files map[string]string, states map[string]bool, executed map[uint64]execution) {
	t.Helper()
	dir, err := os.MkdirTemp(scratch(t), "cut")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if text, ok := files["state.json"]; ok && !states[text] || ok && !json.Valid([]byte(text)) {
		t.Errorf("%s: got a state.json that was never written: %.300q", what, text)
	}
	journal, facts, said, err := statefile.OpenJournal(dir, 1<<20, 2)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	journal.Close()
	for _, text := range said {
		if !strings.Contains(text, "state") && strings.Contains(text, ".bad-") {
			t.Errorf("%s: the journal counts as damaged: %s", what, text)
		}
	}
	for run, e := range executed {
		j := facts.Job(e.job)
		switch {
		case run > facts.HighestRun():
			t.Errorf("%s: run %d of %s (%s) was executed, and another run gets its number: the highest known is %d",
				what, run, e.job, e.reason, facts.HighestRun())
		case e.reason == statefile.ReasonService: // a service starts again in any case
		case j.LastSlot.Time().Before(e.slot):
			t.Errorf("%s: run %d of %s was executed for %s, and would be again: the last slot known is %s", what, run, e.job, e.slot, j.LastSlot)
		case slices.ContainsFunc(statefile.Items(j.Delayed), func(l statefile.Delayed) bool { return l.Run == run }):
			t.Errorf("%s: run %d of %s was executed, and would be again: it is still a delayed start", what, run, e.job)
		case slices.ContainsFunc(statefile.Items(j.Retries), func(r statefile.Retry) bool { return r.Run == run }):
			t.Errorf("%s: run %d of %s was executed, and would be again: it still waits as a retry", what, run, e.job)
		case e.reason == statefile.ReasonBoot && j.BootDone != facts.BootID:
			t.Errorf("%s: run %d of %s was executed, and would be again: its boot is not known as done", what, run, e.job)
		case e.reason != statefile.ReasonManual && j.Runs == 0 && len(j.Live) == 0:
			t.Errorf("%s: run %d of %s (%s) was executed, and nothing is known of it", what, run, e.job, e.reason)
		}
	}
}

// scratch returns a directory in memory if there is one: the test writes and removes thousands of states.
func scratch(t *testing.T) string {
	if dir, err := os.MkdirTemp("/dev/shm", "jobsd-test"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}
