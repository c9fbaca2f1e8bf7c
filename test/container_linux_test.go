package test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"jobsd/statefile"
)

var stdoutLines = flag.Int("stdout-lines", 4000, "how many lines the jobs of TestContainerOutput write together")

// TestContainerOutput: the daemon is the first process of a pid namespace, and its standard output is a pipe, as in a
// container. Jobs of two users write at once. Each line comes out once, whole and with the name of its job, and the end
// of the daemon loses none.
func TestContainerOutput(t *testing.T) {
	needRoot(t, "needs root, for a pid namespace and a job of another user")
	needProgram(t, "unshare", "needs unshare(1), for namespaces")
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) { containerOutput(t, format) })
	}
}

func containerOutput(t *testing.T, format string) {
	const jobs = 20
	each := *stdoutLines / jobs
	s := newServer(t)
	s.wrap = []string{"unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc"}
	s.args = []string{"--output", "stdout", "--output-format", format}
	var text strings.Builder
	for n := range jobs {
		fmt.Fprintf(&text, "[[jobs]]\nname = \"job%d\"\nat_boot = true\n", n)
		if n%2 > 0 {
			text.WriteString("user = \"nobody\"\n")
		}
		fmt.Fprintf(&text, "shell = 'u=$(id -un); n=0; while [ $n -lt %d ]; do n=$((n+1)); echo \"line $n of job%d by $u\"; done >/dev/stderr'\n", each, n)
	}
	s.writeJobs("jobs.toml", text.String())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.out = w
	s.start()
	w.Close()
	out := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		out <- string(text)
	}()
	s.waitState("all jobs to have ended", func(state *statefile.State) bool {
		ended := 0
		for _, j := range state.Jobs {
			if j.LastRun != nil {
				ended++
			}
		}
		return ended == jobs
	})
	s.terminate()
	written := <-out
	last := map[string]int{}
	markers := 0
	for line := range strings.Lines(written) {
		job, run, text, marker := parseOutput(t, format, line)
		if marker != "" {
			markers++
			if !strings.HasPrefix(marker, "run "+run+" ") {
				t.Errorf("the marker %q has the label of run %s", marker, run)
			}
			continue
		}
		n, _ := strconv.Atoi(strings.TrimPrefix(job, "job"))
		user := [2]string{"root", "nobody"}[n%2]
		last[job]++
		if want := fmt.Sprintf("line %d of %s by %s", last[job], job, user); text != want {
			t.Fatalf("%s: got %q, want %q", job, text, want)
		}
	}
	for n := range jobs {
		if job := fmt.Sprint("job", n); last[job] != each {
			t.Errorf("%s: got %d lines, want %d", job, last[job], each)
		}
	}
	t.Logf("%d lines, %d bytes", strings.Count(written, "\n"), len(written))
	if markers != 2*jobs {
		t.Errorf("got %d markers, want %d", markers, 2*jobs)
	}
	if logs, _ := filepath.Glob(filepath.Join(s.root, "log", "job*")); len(logs) > 0 {
		t.Errorf("there are logs of jobs: %q", logs)
	}
}

// parseOutput takes a line of standard output apart.
func parseOutput(t *testing.T, format, line string) (job, run, text, marker string) {
	if format == "json" {
		var v struct {
			Job         string
			Run         uint64
			Text, Event string
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return v.Job, fmt.Sprint(v.Run), v.Text, v.Event
	}
	job, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "[")
	run, rest, ok := strings.Cut(rest, "]")
	if text, is := strings.CutPrefix(rest, "== "); is {
		return job, run, "", text
	}
	text, is := strings.CutPrefix(rest, " ")
	if !ok || !is {
		t.Fatalf("got the line %q, which has no label", line)
	}
	return job, run, text, ""
}
