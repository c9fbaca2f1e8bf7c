package recorder

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// stdoutPipe makes a pipe the standard output of the daemon and returns its read end.
func (d *daemon) stdoutPipe() *os.File {
	d.Helper()
	r, w, err := os.Pipe()
	d.must(err)
	d.stdout = w
	d.Cleanup(func() { r.Close(); w.Close() })
	return r
}

// read reads a number of lines.
func (d *daemon) read(r io.Reader, n int) string {
	d.Helper()
	var text strings.Builder
	in := bufio.NewReader(r)
	for range n {
		line, err := in.ReadString('\n')
		d.must(err)
		text.WriteString(line)
	}
	if k := in.Buffered(); k > 0 {
		more, _ := in.Peek(k)
		d.Fatalf("there is more: %q", more)
	}
	return text.String()
}

// drain waits until the recorder has written all lines.
func (d *daemon) drain() {
	d.Helper()
	d.send(Message{Kind: Drain})
	d.wait(Drained, 0)
}

func TestStdoutText(t *testing.T) {
	d := newDaemon(t)
	out := d.stdoutPipe()
	d.start()
	p := d.begin(1, Log{Path: "-", Stdout: "text"})
	writeTo(t, p, "one\ntwo ")
	writeTo(t, p, "parts\n\n== run 1 exited 0\na[1]== forged\ncr\rlf\r\n\x1b[31mred\x1b[2J\x00\xff\x1b[3\nend")
	p.Close()
	m := d.finish(1)
	d.drain()
	want := "a[1]== run 1 started\na[1] one\na[1] two parts\na[1] \na[1] == run 1 exited 0\na[1] a[1]== forged\na[1] cr\\rlf\\r\na[1] \x1b[31mred\\x1b[2J\\x00\\xff\\x1b[3\na[1] end\na[1]== run 1 exited 0\n"
	if got := d.read(out, strings.Count(want, "\n")); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if d.log() != "" {
		t.Error("there is a log file")
	}
	if m.Bytes != 75 || !m.Closed {
		t.Errorf("%+v", m)
	}
}

func TestStdoutJSON(t *testing.T) {
	d := newDaemon(t)
	out := d.stdoutPipe()
	d.start()
	p := d.begin(1, Log{Stdout: "json", Timestamps: true})
	writeTo(t, p, "a\x00\"\\\t\x9b\x1b\u009b\u202eü<>\n")
	p.Close()
	d.finish(1)
	d.send(Message{Kind: Note, Job: "b", Log: &Log{Stdout: "json"}, Text: "skipped"})
	d.drain()
	text := d.read(out, 4)
	at := regexp.MustCompile(`"at":"([^"]*)"`)
	for _, m := range at.FindAllStringSubmatch(text, -1) {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z07:00", m[1]); err != nil {
			t.Error(err)
		}
	}
	const want = `{"job":"a","run":1,"at":"","event":"run 1 started"}
{"job":"a","run":1,"at":"","text":"a\u0000\"\\\t\ufffd\u001b\u009b\u202eü<>"}
{"job":"a","run":1,"at":"","event":"run 1 exited 0"}
{"job":"b","run":null,"at":"","event":"skipped"}
`
	if got := at.ReplaceAllString(text, `"at":""`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(text) {
		var v any
		d.must(json.Unmarshal([]byte(line), &v))
	}
	if !strings.Contains(d.log(), " a\x00\"") {
		t.Errorf("the log is %q", d.log())
	}
}

// TestStdoutPieces: a line of up to 1 MiB is one line however it comes. A longer one is several, and all but the first
// say that they continue it.
func TestStdoutPieces(t *testing.T) {
	d := newDaemon(t)
	read := d.readStdout()
	d.start()
	one, two := d.begin(1, Log{Path: "-", Stdout: "text"}), d.begin(2, Log{Path: "-", Stdout: "text"})
	x := strings.Repeat("ü", maxLine/2)
	for n := 0; n < len(x); n += 10_000 {
		writeTo(t, one, x[n:min(n+10_000, len(x))])
		writeTo(t, two, "y\n")
	}
	writeTo(t, one, "\n"+strings.Repeat("z", maxLine-1)+x)
	one.Close()
	two.Close()
	d.finish(1)
	d.finish(2)
	var got []string
	for line := range strings.Lines(read()) {
		if strings.HasPrefix(line, "a[1]") {
			got = append(got, line)
		} else if line != "a[2] y\n" && !strings.HasPrefix(line, "a[2]== ") {
			t.Fatalf("a wrong line: %.100q", line)
		}
	}
	z := strings.Repeat("z", maxLine-1)
	want := []string{"a[1]== run 1 started\n", "a[1] " + x + "\n", "a[1] " + z + "\n", "a[1]+ " + x + "\n", "a[1]== run 1 exited 0\n"}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for n := range want {
		if got[n] != want[n] {
			t.Errorf("line %d: %d bytes %.20q, want %d bytes %.20q", n, len(got[n]), got[n], len(want[n]), want[n])
		}
	}
}

// TestStdoutBlocked: a standard output that nobody reads stops no run. All lines are in the log; on standard output some
// are missing, and their number is reported.
func TestStdoutBlocked(t *testing.T) {
	d := newDaemon(t)
	out := d.stdoutPipe()
	d.start()
	p := d.begin(1, Log{Stdout: "text"})
	const lines = 40_000
	var text strings.Builder
	for n := range lines {
		fmt.Fprintf(&text, "%0100d\n", n)
	}
	writeTo(t, p, text.String()) // it would block if the run had to wait
	p.Close()
	d.finish(1)
	if !strings.Contains(d.log(), text.String()) {
		t.Error("the log does not have all lines")
	}
	first := d.wait(Dropped, 0)
	if first.Text != errStalled.Error() {
		t.Errorf("%+v", first)
	}
	lost := int(first.Number)
	done := make(chan string)
	go func() {
		text, _ := io.ReadAll(out)
		done <- string(text)
	}()
	for again := first; again.Text != ""; lost += int(again.Number) {
		again = d.wait(Dropped, 0)
	}
	d.drain()
	d.stdout.Close()
	d.conn.Close()
	d.cmd.Wait()
	got := <-done
	whole := regexp.MustCompile(`^a\[1\] [0-9]{100}\n$`)
	n, last := 0, ""
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "a[1]== ") {
			n++
			continue
		}
		if !whole.MatchString(line) || line <= last {
			t.Fatalf("%q after %q", line, last)
		}
		last = line
		n++
	}
	if n+lost != lines+2 || lost == 0 {
		t.Errorf("%d lines and %d lost, want %d together", n, lost, lines+2)
	}
}

// TestStdoutBroken: the reader of standard output is gone, which ends neither the recorder nor a run and is reported
// once.
func TestStdoutBroken(t *testing.T) {
	d := newDaemon(t)
	out := d.stdoutPipe()
	d.start()
	out.Close()
	for run := range uint64(3) {
		p := d.begin(run+1, Log{Stdout: "text"})
		writeTo(t, p, "x\n")
		p.Close()
		d.finish(run + 1)
		d.drain()
	}
	m := d.wait(Dropped, 0)
	if !strings.Contains(m.Text, "broken pipe") || m.Number == 0 {
		t.Errorf("%+v", m)
	}
	for _, m := range d.got {
		if m.Kind == Dropped {
			t.Errorf("said again: %+v", m.Message)
		}
	}
	if n := strings.Count(d.log(), "x\n"); n != 3 {
		t.Errorf("the log has %d lines", n)
	}
}

// TestStdoutOfNextDaemon: a daemon that continues with a recorder brings its own standard output.
func TestStdoutOfNextDaemon(t *testing.T) {
	d := newDaemon(t)
	first := d.stdoutPipe()
	d.start()
	p := d.begin(1, Log{Path: "-", Stdout: "text"})
	writeTo(t, p, "one\n")
	if got := d.read(first, 2); got != "a[1]== run 1 started\na[1] one\n" {
		t.Errorf("%q", got)
	}
	d.conn.Close()
	second := d.stdoutPipe()
	d.connect()
	writeTo(t, p, "two\n")
	p.Close()
	d.finish(1)
	if got := d.read(second, 2); got != "a[1] two\na[1]== run 1 exited 0\n" {
		t.Errorf("%q", got)
	}
}

// TestStdoutFile: standard output that is a log file is opened again after somebody has renamed it.
func TestStdoutFile(t *testing.T) {
	d := newDaemon(t)
	path := d.dir + "/jobsd.log"
	d.hello.Stdout = path
	d.start()
	p := d.begin(1, Log{Path: "-", Stdout: "text"})
	writeTo(t, p, "one\n")
	has := func(want string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(path)
			return string(text) == want
		}
	}
	d.until(has("a[1]== run 1 started\na[1] one\n"))
	d.must(os.Rename(path, path+".1"))
	writeTo(t, p, "two\n")
	d.until(has("a[1] two\n"))
	p.Close()
	d.finish(1)
}
