package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jobsd/internal/joblog"
)

// logOf makes the log of a job. texts are the live file, .1, .2 and so on.
func logOf(t *testing.T, texts ...string) *jobLog {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.log")
	for n, text := range texts {
		name := path
		if n > 0 {
			name = joblog.Archive(path, n)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := joblog.OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return &jobLog{Log: log}
}

func merged(t *testing.T, n int, sources ...*source) string {
	t.Helper()
	var b strings.Builder
	pieces, err := lastOf(piecesOf(sources), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		p.source.out.w = &b
		if err := p.source.log.print(p.source.out, p.from, p.to); err != nil {
			t.Fatal(err)
		}
		p.source.out.end()
	}
	return b.String()
}

// TestMerge checks that whole runs are merged in the order of their starts, and that each line has its label, also a last
// line without a newline.
func TestMerge(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	a, b := logOf(t, "a2\na3", "before\na1\n"), logOf(t, "b1\nb1\nb2\n")
	a.runs = []logRun{{number: 1, from: 7, at: at(1), found: true}, {number: 3, from: 10, at: at(3), found: true}, {number: 5, from: 13, at: at(5), found: true}}
	b.runs = []logRun{{number: 2, from: 0, at: at(2), found: true}, {number: 4, from: 6, at: at(4), found: true}}
	sources := func() []*source {
		return []*source{{log: a, out: &labeler{label: "a|"}}, {log: b, out: &labeler{label: "b|"}}}
	}
	const want = "a|before\na|a1\nb|b1\nb|b1\na|a2\nb|b2\na|a3\n"
	if got := merged(t, all, sources()...); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(want, "\n"), "\n")
	for n := range len(lines) + 2 {
		tail := strings.Join(lines[max(0, len(lines)-n):], "")
		if n > 0 {
			tail += "\n"
		}
		if got := merged(t, n, sources()...); got != tail {
			t.Errorf("the last %d: got\n%swant\n%s", n, got, tail)
		}
	}
}

// TestLabeler checks that lines of several logs do not mix, in whatever pieces they arrive, unless a line is too long to be
// held back.
func TestLabeler(t *testing.T) {
	var b strings.Builder
	one, two := &labeler{w: &b, label: "1|"}, &labeler{w: &b, label: "2|"}
	for _, w := range []struct {
		l    *labeler
		text string
	}{{one, "be"}, {two, "x\ny"}, {one, "gin\n\nnext"}, {two, "\n"}} {
		if n, err := w.l.Write([]byte(w.text)); err != nil || n != len(w.text) {
			t.Fatal(n, err)
		}
	}
	one.end()
	two.end()
	if got, want := b.String(), "2|x\n1|begin\n1|\n2|y\n1|next\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b.Reset()
	long := strings.Repeat("z", 3*longestHeld+1)
	one.Write([]byte(long[:longestHeld+7]))
	one.Write([]byte(long[longestHeld+7:]))
	one.Write([]byte("\nend\n"))
	if got := b.String(); got != "1|"+long+"\n1|end\n" {
		t.Errorf("a long line came as %d bytes, %q...", len(got), got[:10])
	}
}
