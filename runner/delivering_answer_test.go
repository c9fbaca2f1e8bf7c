package runner

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/notify"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// peer is the other end of a deliverer that exists only in the test.
type peer struct {
	*testing.T
	*delivering
	end     *os.File
	results []core.Delivered
}

func newPeer(t *testing.T) *peer {
	p := &peer{T: t}
	p.delivering = newDelivering(func(e core.Event) {
		if e, ok := e.(core.Delivered); ok {
			p.results = append(p.results, e)
		}
	}, func() time.Duration { return time.Hour })
	p.connect()
	t.Cleanup(func() {
		p.end.Close()
		if p.socket >= 0 {
			p.close()
		}
	})
	return p
}

// connect gives the loop a deliverer. Nothing can be sent to process 1 in place of it.
func (p *peer) connect() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		p.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		p.Fatal(err)
	}
	if p.end != nil {
		p.end.Close()
	}
	p.process, p.socket, p.end = spawn.Process{PID: 1, FD: -1}, fds[0], os.NewFile(uintptr(fds[1]), "deliverer")
}

func (p *peer) says(text string) {
	p.Helper()
	if _, err := p.end.WriteString(text); err != nil {
		p.Fatal(err)
	}
	p.receive()
}

// wants compares the results with the numbers and errors that are expected, and forgets them.
func (p *peer) wants(want string) {
	p.Helper()
	var got []string
	for _, r := range p.results {
		_, why, _ := strings.Cut(r.Error, "failed: ")
		got = append(got, strings.TrimSpace(fmt.Sprint(r.Number, " ", why)))
	}
	if s := strings.Join(got, ", "); s != want {
		p.Errorf("results %q, want %q", s, want)
	}
	p.results = nil
}

// TestAnswers: each message gets one result, whatever the deliverer answers.
func TestAnswers(t *testing.T) {
	p := newPeer(t)
	p.send(&notify.Message{Number: 1})
	p.send(&notify.Message{Number: 2})
	p.says("{\"number\":2}\n{\"num")
	p.wants("2")
	p.says("ber\":7}\n{\"number\":2}\n")
	p.wants("") // nobody asked for 7, and 2 has its answer
	p.says("{\"number\":\n")
	p.wants("1 it gave an answer that makes no sense")
	if p.socket >= 0 || len(p.in)+len(p.out) > 0 {
		t.Error("the deliverer is not given up")
	}
	p.connect() // the next one
	p.send(&notify.Message{Number: 3})
	p.says("{\"number\":1}\n")
	p.wants("") // too late
	p.send(&notify.Message{Number: 1})
	p.says("{\"number\":1}\n{\"number\":1}\n{\"number\":3}\n")
	p.wants("1, 3")
}

// TestAnswerWithoutEnd: an answer that does not end does not fill the memory.
func TestAnswerWithoutEnd(t *testing.T) {
	p := newPeer(t)
	p.send(&notify.Message{Number: 1})
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 64 {
			if _, err := p.end.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	for end := time.Now().Add(30 * time.Second); p.socket >= 0 && time.Now().Before(end); {
		unix.Poll([]unix.PollFd{p.poll()}, 100)
		p.receive()
	}
	<-written
	p.wants("1 it gave an answer that does not end")
}

// TestSilentPeer: a deliverer that does not read holds up nobody. Once it reads, it gets every message whole.
func TestSilentPeer(t *testing.T) {
	p := newPeer(t)
	const n = 100
	for i := range uint64(n) {
		p.send(&notify.Message{Number: i + 1, ID: strings.Repeat("x", 20000)})
	}
	if len(p.out) == 0 || p.poll().Events&unix.POLLOUT == 0 {
		t.Fatal("the deliverer takes everything at once: send more")
	}
	got := make(chan uint64, n)
	go func() {
		defer close(got)
		for lines := bufio.NewReader(p.end); ; {
			line, err := lines.ReadBytes('\n')
			var m notify.Message
			if err != nil || json.Unmarshal(line, &m) != nil || len(m.ID) != 20000 {
				return
			}
			got <- m.Number
		}
	}()
	next := uint64(0)
	for end := time.Now().Add(30 * time.Second); len(p.out) > 0 && time.Now().Before(end); {
		unix.Poll([]unix.PollFd{p.poll()}, 100)
		p.receive()
	}
	p.close()
	for number := range got {
		if next++; number != next {
			t.Fatalf("got message %d, want %d", number, next)
		}
	}
	if next != n || len(p.results) > 0 {
		t.Errorf("got %d messages, results %v", next, p.results)
	}
}

// TestPanicOverMessage: a panic over one message counts as a failed attempt and ends nothing.
func TestPanicOverMessage(t *testing.T) {
	l, k := testLoop(t, 0)
	facts := statefile.NewFacts("id")
	facts.LastNotification, facts.Notifications = 1, []statefile.Notification{{ID: 1, Kind: "daemon", Via: "mail", At: statefile.At(k.clock.Wall)}}
	l.core = core.New(core.Options{Strict: true}, facts, k.clock)
	l.core.Begin(k.clock, statefile.Start{})
	l.disk.in.Take()
	l.pump.Post(core.Loaded{Set: &jobfile.Set{Config: &jobfile.Config{Mail: jobfile.Mail{To: []string{"root"}}}}})
	l.turn()
	var sent *core.Deliver
	for _, batch := range l.disk.in.Take() {
		for _, op := range batch {
			if m, ok := op.(core.Deliver); ok {
				sent = &m
			}
		}
	}
	if sent == nil {
		t.Fatal("nothing was sent")
	}
	sent.Command = []string{"x"} // of no job
	l.pump.Post([]prepared{{message: sent}})
	l.turn()
	if owed := l.core.Facts().Notifications; len(owed) != 1 || owed[0].Tries != 1 {
		t.Errorf("owed: %v", owed)
	}
}

// TestEventIDs: the id of an event is the same at each attempt, and another event never has it, even if the journal lost
// the end of the count.
func TestEventIDs(t *testing.T) {
	l, k := testLoop(t, 0)
	id := func(number uint64, at time.Time) string {
		o := statefile.Notification{ID: number, At: statefile.At(at), Kind: "daemon", Via: "mail"}
		return l.message(core.Deliver{Number: number, Mail: []string{"root"}, Events: []core.NotifiedEvent{{Notification: o}}}).ID
	}
	first := id(1, k.clock.Wall)
	if again := id(1, k.clock.Wall.In(time.FixedZone("", 3600))); again != first || !strings.HasPrefix(first, "id-") || !strings.HasSuffix(first, "-1") {
		t.Errorf("%q, then %q", first, again)
	}
	if other := id(1, k.clock.Wall.Add(time.Second)); other == first {
		t.Errorf("two events have the id %q", first)
	}
}
