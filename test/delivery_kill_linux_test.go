package test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var deliveryKills = flag.Int("delivery-kills", 8, "how often TestDeliveryKilled kills the daemon or the process that delivers notifications")

// mailbox is a sendmail that keeps each mail in a file of its own, whose name ends in .mail once it is complete.
const mailbox = `#!/bin/sh
cat >DIR/$$.tmp && mv DIR/$$.tmp DIR/$$.$(date +%s%N).mail
`

// TestDeliveryKilled kills the daemon and the process that delivers notifications, at random moments and where it hurts
// most: between an outcome and its message, and between a message and the answer to it. Meanwhile, jobs fail and
// recover with a target for HTTP and with mail. The journal and what arrived must agree: each notification that the
// journal owes arrived, and one that arrived twice did so in the same message with the same identifier.
//
//	go test ./test -run TestDeliveryKilled -delivery-kills 200 -v
func TestDeliveryKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var trap atomic.Pointer[func()] // called once, between a message and the answer to it
	hook := newReceivers(t, func(http.ResponseWriter, *http.Request, []received) {
		if f := trap.Swap(nil); f != nil {
			(*f)()
		}
	})
	s := newServer(t)
	box := filepath.Join(s.root, "box")
	if err := os.Mkdir(box, 0o755); err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(s.root, "sendmail"), strings.ReplaceAll(mailbox, "DIR", box))
	s.settings(fmt.Sprintf("[mail]\nsendmail = %q\nfrom = \"jobs@example.org\"\n[notify.hook]\nurl = %q\n",
		filepath.Join(s.root, "sendmail"), hook.URL+"/hook"))
	const jobs = 8
	for n := range jobs {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf(`every = "1s"
shell = "echo line $JOBSD_RUN; if [ -e %[1]s ]; then rm %[1]s; else echo >%[1]s; exit 3; fi"
notify = {to = "hook", mail = "ops@example.org", on = ["start", "success", "failure", "recovery"]}
`, filepath.Join(s.root, fmt.Sprint("flip", n))))
	}
	pauses := []string{deliveryPause + "=20ms"}

	killed := map[string]int{}
	for range *deliveryKills {
		s.env = pauses
		lifetime := time.Duration(100+rng.IntN(900)) * time.Millisecond
		what := []string{"daemon", "deliverer"}[rng.IntN(2)]
		victim := map[string]func(){"daemon": s.killDaemon, "deliverer": s.killDeliverer}[what]
		moment := rng.IntN(4)
		if moment == 0 && what == "daemon" {
			s.env = append(slices.Clone(pauses), fmt.Sprintf("%s=%s:%d:%dms", dieAt,
				[]string{"appended", "synced", "ending"}[rng.IntN(3)], 1+rng.IntN(30), 10*rng.IntN(3)))
		}
		if s.cmd == nil {
			s.start()
		}
		s.waitReadyOrDead()
		switch moment {
		case 0, 1: // a random moment
			select {
			case <-s.done:
			case <-time.After(lifetime):
				victim()
			}
			killed[what+" at random"]++
		case 2: // a receiver has the message
			hit := make(chan struct{})
			f := func() { victim(); close(hit) }
			trap.Store(&f)
			s.waitHit(hit)
			killed[what+" before the answer"]++
		case 3: // a mail has been sent
			before := len(mailsIn(t, box))
			s.waitFor("a mail", func() bool { return len(mailsIn(t, box)) > before })
			victim()
			killed[what+" after a mail"]++
		}
		select {
		case <-s.done:
			s.cmd = nil
		default:
		}
	}
	t.Logf("kills: %v", killed)

	s.env = pauses
	if s.cmd == nil {
		s.start()
	}
	s.waitReady()
	for n := range jobs {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), "cmd = [\"true\"]\nnotify = {to = \"hook\", mail = \"ops@example.org\"}\n")
	}
	s.reloadByHUP()
	s.waitFor("all notifications to be delivered", func() bool { return len(s.owed()) == 0 && len(s.running()) == 0 })
	s.terminate()
	auditDeliveries(t, s, hook, box)
}

func (s *server) killDaemon() {
	s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
}

// killDeliverer kills the process that delivers notifications. It waits for one, as that of the previous daemon may
// still be there.
func (s *server) killDeliverer() {
	var pid int
	err := poll(waitLimit, s.done, func() bool {
		pid = delivererOf(s.cmd.Process.Pid)
		return pid > 0
	})
	if err != nil {
		s.t.Errorf("%v while the test waited for a process that delivers notifications", err)
		return
	}
	syscall.Kill(pid, syscall.SIGKILL)
}

func (s *server) waitHit(hit <-chan struct{}) {
	s.t.Helper()
	select {
	case <-hit:
	case <-time.After(waitLimit):
		s.t.Fatal("timed out waiting for a message to the target hook")
	}
}

func mailsIn(t *testing.T, box string) []string {
	list, err := filepath.Glob(filepath.Join(box, "*.mail"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// running returns the jobs that have a run.
func (s *server) running() (jobs []string) {
	for name, j := range s.readState().Jobs {
		if len(j.Running) > 0 {
			jobs = append(jobs, name)
		}
	}
	return jobs
}

// auditDeliveries compares the journal with what the receivers got.
func auditDeliveries(t *testing.T, s *server, hook *receivers, box string) {
	t.Helper()
	all, messages, last := s.notifications()
	arrived := map[uint64]string{} // in which message
	sent := map[string]string{}    // what is in it
	duplicates := 0
	arrive := func(id uint64, message string) {
		if first := arrived[id]; first != "" && first != message {
			t.Errorf("notification %d (%s) arrived in the message %s and in the message %s", id, all[id].Via, first, message)
		}
		arrived[id] = message
	}
	contents := func(message string) []uint64 {
		n := numberOf(t, message)
		if messages[n] == nil {
			return []uint64{n}
		}
		return messages[n]
	}
	same := func(message, text string) {
		first, twice := sent[message]
		if twice {
			duplicates++
			if first != text {
				t.Errorf("the message %s arrived with\n%s\nand with\n%s", message, first, text)
			}
		}
		sent[message] = text
	}
	for _, r := range hook.of("hook") {
		b := r.json(t)
		if key := r.header.Get("Idempotency-Key"); key != b.ID {
			t.Errorf("the message %s has the key %s", b.ID, key)
		}
		same(b.ID, r.body)
		ids := contents(b.ID)
		for i, e := range b.Events {
			if i >= len(ids) || numberOf(t, e.ID) != ids[i] {
				t.Fatalf("the message %s has the events %v, but the journal says %v", b.ID, b.Events, ids)
			}
		}
		if len(b.Events)+b.More != len(ids) {
			t.Errorf("the message %s has %d events and leaves out %d, want %d", b.ID, len(b.Events), b.More, len(ids))
		}
		for _, id := range ids {
			arrive(id, b.ID)
		}
	}
	for _, path := range mailsIn(t, box) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		id := m.Header.Get("Message-ID")
		head, body, _ := strings.Cut(string(text), "\n\n")
		lines := slices.DeleteFunc(strings.Split(head, "\n"), func(line string) bool { return strings.HasPrefix(line, "Date:") })
		same(id, strings.Join(lines, "\n")+"\n\n"+body)
		number, _, _ := strings.Cut(strings.Trim(id, "<>"), "@")
		for _, event := range contents(number) {
			arrive(event, id)
		}
	}
	kinds := map[string]int{}
	for id, o := range all {
		kinds[o.Via+" "+o.Kind]++
		switch d := last[id]; {
		case arrived[id] == "":
			t.Errorf("notification %d is lost: %s about the run %d by %s", id, o.Kind, o.Run.Run, o.Via)
		case d == nil || d.Error != "":
			t.Errorf("notification %d arrived, but the journal says %+v", id, d)
		}
	}
	for id := range arrived {
		if _, ok := all[id]; !ok {
			t.Errorf("notification %d arrived, but is not in the journal", id)
		}
	}
	t.Logf("%d notifications (%v) in %d messages; %d of these arrived again", len(all), kinds, len(sent), duplicates)
	if len(all) == 0 {
		t.Error("there was no notification")
	}
}
