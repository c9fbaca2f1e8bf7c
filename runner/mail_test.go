package runner

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
	"jobsd/runner/core"
)

// TestMailHeaders: with any number of recipients, the lines of the header are as long as RFC 5322 (2.1.1) allows, and
// a mail reader decodes the original text.
func TestMailHeaders(t *testing.T) {
	var to []string
	for i := range 60 {
		to = append(to, fmt.Sprintf("somebody-%02d@department-%d.example.org", i, i%7))
	}
	to = append(to, strings.Repeat("x", 100)+"@example.org")
	for _, subject := range []string{"[jobsd] host: backup failed: exited 3", strings.Repeat("[jobsd] host: backup failed; ", 20),
		strings.Repeat("Größe und Güte, ", 30), strings.Repeat("x", 200)} {
		l := &core.Mail{From: "jobs@example.org", To: to, Subject: subject, Parts: []core.MailPart{{Text: "text\n"}}}
		text := (&disk{}).formatMail(l)
		head, _, _ := bytes.Cut(text, []byte("\n\n"))
		for line := range strings.Lines(string(head)) {
			line = strings.TrimSuffix(line, "\n")
			if n := len(line); n > 998 || n > 78 && strings.Contains(strings.TrimSpace(line[strings.Index(line, ":")+1:]), " ") {
				t.Errorf("a line of %d bytes: %s", n, line)
			}
			if strings.TrimSpace(line) == "" {
				t.Errorf("a line of blanks in\n%s", head)
			}
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		list, err := m.Header.AddressList("To")
		var got []string
		for _, a := range list {
			got = append(got, a.Address)
		}
		if err != nil || !slices.Equal(got, to) {
			t.Errorf("To: %v, %v", got, err)
		}
		decoded, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.TrimSpace(decoded) != strings.TrimSpace(subject) {
			t.Errorf("Subject: %q, %v, want %q", decoded, err, subject)
		}
	}
}

// TestMailOutput: a mail contains all of a short output. Of a long one it contains the end and the command that shows
// all of it.
func TestMailOutput(t *testing.T) {
	d := &disk{logDir: t.TempDir()}
	one := "== run 1 started\nshort\n== run 1 exited 0\n"
	two := "== run 2 started\n" + strings.Repeat("line\n", 1+maxTail/5) + "== run 2 exited 0\n"
	first := placeOf(t, d, one+two, 0, len(one))
	second := placeOf(t, d, one+two, len(one), len(one+two))
	gone := first
	gone.From.At++
	for _, test := range []struct {
		run   uint64
		place joblog.Place
		want  string
	}{
		{1, first, "\nIts output:\n\nshort\n"},
		{2, second, "\nThe end of its output (jobsd logs --run 2 j shows all of it):\n\nline\n"},
		{2, first, "\njobsd cannot read its output: it was rotated away, or somebody"},
		{1, gone, "\njobsd cannot read its output: it was rotated away, or somebody"},
	} {
		text := string(d.formatMail(&core.Mail{Parts: []core.MailPart{{Text: "text\n", Job: "j", Run: test.run, Output: &test.place}}}))
		want := test.want
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%.400s", want, text)
		}
	}
}

// placeOf writes the log of the job j and returns a place in it.
func placeOf(t *testing.T, d *disk, text string, from, to int) joblog.Place {
	t.Helper()
	path := joblog.Path(d.logDir, "j")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return joblog.Place{From: joblog.Position{Inode: st.Ino, At: int64(from)}, To: &joblog.Position{Inode: st.Ino, At: int64(to)}, Alone: true}
}
