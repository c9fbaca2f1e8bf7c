package test

import (
	"bufio"
	"fmt"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// TestB42RealSendmail sends a mail with a real sendmail(1) over SMTP. The mail that arrives is well-formed. The server
// refuses it for the moment, and the next attempt sends it with the same Message-ID.
func TestB42RealSendmail(t *testing.T) {
	msmtp := needProgram(t, "msmtp", "needs msmtp(1), a sendmail whose server can be set")
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("needs a network: ", err)
	}
	defer server.Close()
	got := make(chan string, 10)
	go serveSMTP(server, got)

	s := newServer(t)
	s.env = []string{deliveryPause + "=10ms"}
	conf := filepath.Join(s.root, "msmtprc")
	port := server.Addr().(*net.TCPAddr).Port
	text := fmt.Sprintf("account default\nhost 127.0.0.1\nport %d\nauth off\ntls off\nfrom jobs@example.org\ndomain example.org\n", port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("[mail]\nsendmail = [%q, \"-C\", %q, \"-t\"]\nfrom = \"jobs@example.org\"\nto = [\"admin@example.org\"]\n", msmtp, conf)
	writeFile(t, filepath.Join(s.root, "jobsd.toml"), settings)
	s.writeJobs("fails.toml", "shell = \"\"\"echo line one; echo .; echo Größe; head -c 3000 /dev/zero | tr '\\\\0' x; exit 3\"\"\"\n")
	s.startReady()
	s.jobsd("start", "fails")
	s.waitLastRun("fails")
	refused, data := <-got, <-got
	s.waitFor("the mail to be delivered", func() bool { return len(s.owed()) == 0 })
	s.terminate()

	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatalf("the mail is not well-formed: %v in\n%s", err, data)
	}
	if subject := m.Header.Get("Subject"); !strings.Contains(subject, "fails failed: exited 3") {
		t.Errorf("got the subject %q, want \"fails failed: exited 3\"", subject)
	}
	if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != "admin@example.org" {
		t.Errorf("got the recipients %v, %v, want admin@example.org", to, err)
	}
	id := m.Header.Get("Message-ID")
	if ok, _ := regexp.MatchString(`^<[0-9a-f]{32}-[0-9a-z]+-1@[^@<> ]+>$`, id); !ok {
		t.Errorf("got the Message-ID %q", id)
	}
	if first, err := mail.ReadMessage(strings.NewReader(refused)); err != nil || first.Header.Get("Message-ID") != id {
		t.Errorf("got %v and the first mail\n%s\nwant the Message-ID %s", err, refused, id)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error("Date: ", err)
	}
	for _, want := range []string{"\nline one\n", "\n.\n", "Größe"} {
		if !strings.Contains(data, want) {
			t.Errorf("want %q in the mail, got\n%s", want, data)
		}
	}
}

// serveSMTP receives mails by SMTP (RFC 5321). It refuses the first one for the moment.
func serveSMTP(server net.Listener, got chan<- string) {
	var mails atomic.Int32
	for {
		conn, err := server.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
			r := bufio.NewReader(conn)
			say("220 example.org")
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); verb {
				case "DATA":
					say("354 go on")
					var b strings.Builder
					for {
						line, err := r.ReadString('\n')
						if err != nil {
							return
						}
						line = strings.TrimRight(line, "\r\n")
						if line == "." {
							break
						}
						b.WriteString(strings.TrimPrefix(line, ".") + "\n")
					}
					got <- b.String()
					if mails.Add(1) == 1 {
						say("451 come again later")
					} else {
						say("250 taken")
					}
				case "QUIT":
					say("221 bye")
					return
				default:
					say("250 well")
				}
			}
		}()
	}
}
