package notify

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"mime"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/spawn"
)

func toMail(to []string, events ...Event) *Message {
	m := message(events...)
	m.Mail = &Mail{From: "jobs@example.org", To: to}
	return m
}

func format(t *testing.T, m *Message) string {
	return string(newTest(long).formatMail(context.Background(), m, time.Unix(0, 0)))
}

// TestMailHeaders: with any number of recipients, the lines of the header are as long as RFC 5322 (2.1.1) allows, and
// a mail reader decodes the original text.
func TestMailHeaders(t *testing.T) {
	var to []string
	for i := range 60 {
		to = append(to, fmt.Sprintf("somebody-%02d@department-%d.example.org", i, i%7))
	}
	to = append(to, strings.Repeat("x", 100)+"@example.org")
	for _, text := range []string{"backup failed: exited 3", strings.Repeat("backup failed; ", 20),
		strings.Repeat("Größe und Güte, ", 30), strings.Repeat("x", 200)} {
		e := event("daemon")
		e.Text = text
		mailText := format(t, toMail(to, e))
		head, _, _ := strings.Cut(mailText, "\n\n")
		for line := range strings.Lines(head) {
			line = strings.TrimSuffix(line, "\n")
			if n := len(line); n > 998 || n > 78 && strings.Contains(strings.TrimSpace(line[strings.Index(line, ":")+1:]), " ") {
				t.Errorf("a line of %d bytes: %s", n, line)
			}
			if strings.TrimSpace(line) == "" {
				t.Errorf("a line of blanks in\n%s", head)
			}
		}
		m, err := mail.ReadMessage(strings.NewReader(mailText))
		if err != nil {
			t.Fatalf("%v in\n%s", err, mailText)
		}
		list, err := m.Header.AddressList("To")
		var got []string
		for _, a := range list {
			got = append(got, a.Address)
		}
		if err != nil || !slices.Equal(got, to) {
			t.Errorf("To: %v, %v", got, err)
		}
		want := "[jobsd] alpha: " + text
		decoded, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.TrimSpace(decoded) != strings.TrimSpace(want) {
			t.Errorf("Subject: %q, %v, want %q", decoded, err, want)
		}
	}
}

// TestMailText tests all of a mail about one event.
func TestMailText(t *testing.T) {
	got := format(t, toMail([]string{"ops@example.org"}, withOutput(t, failed(), "line \x1b[1mone\r\nGröße\x00")))
	want := `From: jobs@example.org
To: ops@example.org
Subject: [jobsd] alpha: backup failed: exited 3 after 2.5s
Date: ` + time.Unix(0, 0).Format(time.RFC1123Z) + `
Message-ID: <s-12@alpha>
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

backup failed: exited 3 after 2.5s

host:      alpha
job:       backup
about:     Save everything
run:       7
due:       ` + began.String() + `
started:   ` + began.String() + `
ended:     ` + over.String() + `
outcome:   exited 3

jobsd sends no mail about further failures of backup until it recovers.

Its output:

line ?[1mone
Größe?
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestMessageID: whatever the names are, the Message-ID is well-formed (RFC 5322, 3.6.4).
func TestMessageID(t *testing.T) {
	for _, test := range []struct{ id, host, want string }{
		{"s-12", "alpha.example.org", "<s-12@alpha.example.org>"},
		{"", "", "<unknown@localhost>"},
		{"a b>\n@c", "größe..x.", "<a-b---c@gr--e.-x>"},
	} {
		m := &Message{ID: test.id, Host: test.host}
		if got := m.messageID(); got != test.want {
			t.Errorf("%q, %q: got %s, want %s", test.id, test.host, got, test.want)
		}
	}
}

// TestMailOutput: a mail contains all of a short output. Of a long one it contains the end and the command that shows
// all of it. If there is none, the mail says why.
func TestMailOutput(t *testing.T) {
	short := withOutput(t, failed(), "short\n")
	moved := withOutput(t, failed(), "short\n")
	moved.Output.Place.From.At++
	unknown := failed()
	unknown.Output = &Output{Run: 7}
	gone := failed()
	gone.Output = &Output{Run: 7, Gone: "its log is discarded"}
	for _, test := range []struct {
		event Event
		want  string
	}{
		{short, "\nIts output:\n\nshort\n"},
		{withOutput(t, failed(), ""), "\nIt wrote no output.\n"},
		{withOutput(t, failed(), strings.Repeat("line\n", 1+maxTail/5)), "\nThe end of its output (jobsd logs --run 7 backup shows all of it):\n\nline\n"},
		{withOutput(t, failed(), strings.Repeat("x", 3000)), "x\nx"},
		{moved, "\njobsd cannot read its output: it was rotated away, or somebody"},
		{unknown, "\njobsd has no output of it.\n"},
		{gone, "\njobsd has no output of it: its log is discarded.\n"},
	} {
		if text := format(t, toMail(nil, test.event)); !strings.Contains(text, test.want) {
			t.Errorf("no %q in\n%.900s", test.want, text)
		}
	}
}

// TestMailFolded: a mail about many events has the first ones in full and the number of the others.
func TestMailFolded(t *testing.T) {
	var events []Event
	for i := range 25 {
		e := failed()
		e.Job = fmt.Sprintf("job%d", i)
		events = append(events, e)
	}
	text := format(t, toMail(nil, events...))
	if n := strings.Count(text, "\nhost: "); n != maxEvents {
		t.Errorf("%d events in full, want %d", n, maxEvents)
	}
	for _, want := range []string{"\nSubject: [jobsd] alpha: 25 events: job0 failed: ", "\nand 5 more\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestSendmailFailures: the error has what the mailer said. Another attempt may work.
func TestSendmailFailures(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"exit 0", ""},
		{"exit 75", "exited 75"},
		{"cat >/dev/null; echo 'no \x1b route'; echo >&2 to host; exit 69", "exited 69: no ? route; to host"},
		{"kill -9 $$", "signaled KILL"},
	} {
		m := toMail([]string{"ops@example.org"}, failed())
		m.Mail.Sendmail = *shell(test.script)
		if got := deliver(t, newTest(long), m); got.Error != test.want || got.Final {
			t.Errorf("%s: got %+v, want %q", test.script, got, test.want)
		}
	}
	l := long
	l.command = brief
	m := toMail([]string{"ops@example.org"}, failed())
	m.Mail.Sendmail = *shell("exec sleep 1000")
	if got := deliver(t, newTest(l), m); got.Error != "timeout (TERM)" || got.Final {
		t.Errorf("a mailer that hangs: got %+v", got)
	}
}

// TestSendmailGetsTheMail: a mailer that is slow to read gets a mail that is larger than a pipe.
func TestSendmailGetsTheMail(t *testing.T) {
	var events []Event
	for range 15 {
		events = append(events, withOutput(t, failed(), strings.Repeat("a line of the output\n", 1000)))
	}
	file := filepath.Join(t.TempDir(), "mail")
	m := toMail([]string{"ops@example.org"}, events...)
	m.Mail.Sendmail = *shell(`exec dd bs=777 of="$FILE" 2>/dev/null`)
	m.Mail.Sendmail.Env = append(m.Mail.Sendmail.Env, "FILE="+file)
	if got := deliver(t, newTest(long), m); got.Error != "" {
		t.Fatalf("got %+v", got)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	if n := bytes.Count(text, []byte("\nhost: ")); n != 15 || len(text) < 100_000 || !bytes.HasSuffix(text, []byte("a line of the output\n")) {
		t.Errorf("%d events in %d bytes", n, len(text))
	}
}

// TestRealSendmail sends a mail with a real sendmail(1) over SMTP. The mail that arrives is well-formed.
func TestRealSendmail(t *testing.T) {
	const msmtp = "/usr/bin/msmtp"
	if _, err := os.Stat(msmtp); err != nil {
		t.Skip("needs msmtp(1), a sendmail whose server can be set: ", err)
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("needs a network: ", err)
	}
	defer server.Close()
	got := make(chan string, 1)
	go receiveMail(server, got)
	conf := write(t, filepath.Join(t.TempDir(), "msmtprc"), fmt.Sprintf("account default\nhost 127.0.0.1\nport %d\nauth off\ntls off\nfrom jobs@example.org\n",
		server.Addr().(*net.TCPAddr).Port), 0o600)
	m := toMail([]string{"ops@example.org"}, withOutput(t, failed(), "line one\n.\nGröße\n"+strings.Repeat("x", 3000)))
	m.Mail.Sendmail = spawn.Command{Path: msmtp, Argv: []string{msmtp, "-C", conf, "-oi", "-t"}, Umask: -1}
	if r := deliver(t, newTest(long), m); r.Error != "" {
		t.Fatalf("got %+v", r)
	}
	text := <-got
	arrived, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the mail is not well-formed: %v in\n%s", err, text)
	}
	for name, want := range map[string]string{"Subject": "[jobsd] alpha: backup failed: exited 3 after 2.5s", "Message-Id": "<s-12@alpha>", "To": "ops@example.org"} {
		if value := arrived.Header.Get(name); value != want {
			t.Errorf("%s: got %q, want %q", name, value, want)
		}
	}
	if !strings.Contains(text, "\nline one\n.\nGröße\nxxx") {
		t.Errorf("the output is missing in\n%s", text)
	}
	server.Close()
	if r := deliver(t, newTest(long), m); !strings.HasPrefix(r.Error, "exited 75: msmtp: cannot connect to 127.0.0.1") || r.Final {
		t.Errorf("without a server: got %+v", r)
	}
}

// receiveMail receives one mail by SMTP (RFC 5321).
func receiveMail(server net.Listener, got chan<- string) {
	conn, err := server.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 example.org")
	var text strings.Builder
	data := false
	for r := bufio.NewScanner(conn); r.Scan(); {
		line := r.Text()
		switch {
		case data && line == ".":
			data = false
			got <- text.String()
			say("250 received")
		case data:
			text.WriteString(strings.TrimPrefix(line, ".") + "\n")
		case strings.EqualFold(line, "DATA"):
			data = true
			say("354 send it")
		case strings.EqualFold(line, "QUIT"):
			say("221 bye")
			return
		default:
			say("250 OK")
		}
	}
}
