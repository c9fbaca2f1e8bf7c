package notify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// served is a running Serve, from the side of the daemon.
type served struct {
	t       *testing.T
	in      *io.PipeWriter
	results chan Result
	term    chan os.Signal
	end     chan error
}

func serve(t *testing.T, l limits) *served {
	s := &served{t: t, results: make(chan Result, 100), term: make(chan os.Signal, 1), end: make(chan error, 1)}
	in, w := io.Pipe()
	r, out := io.Pipe()
	s.in = w
	go func() {
		err := newTest(l).serve(in, out, s.term)
		out.Close()
		s.end <- err
	}()
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			var result Result
			if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
				t.Error(err)
			}
			s.results <- result
		}
		close(s.results)
	}()
	t.Cleanup(func() { w.Close() })
	return s
}

func (s *served) send(m *Message) {
	s.t.Helper()
	text, err := json.Marshal(m)
	must(s.t, err)
	_, err = s.in.Write(append(text, '\n'))
	must(s.t, err)
}

// next returns the next result, or none if no more comes.
func (s *served) next() (Result, bool) {
	s.t.Helper()
	for {
		select {
		case r, ok := <-s.results:
			if r.Leader == nil {
				return r, ok
			}
		case <-time.After(patience):
			s.t.Fatal("no result comes")
		}
	}
}

func (s *served) wait() error {
	s.t.Helper()
	select {
	case err := <-s.end:
		return err
	case <-time.After(patience):
		s.t.Fatal("it does not end")
		return nil
	}
}

// TestServe: each message gets its result. A receiver that does not answer delays no other one. After TERM the deliveries
// finish.
func TestServe(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	l := long
	l.http = 500 * time.Millisecond
	s := serve(t, l)
	hangs := message(failed())
	hangs.Number, hangs.HTTP = 1, &HTTP{URL: "http://" + silent.Addr().String(), Preset: "json"}
	s.send(hangs)
	for n := uint64(2); n < 50; n++ {
		m := toCommand("exit $((JOBSD_RUN % 3))", failed())
		m.Number, m.Events[0].Run.Run = n, n
		s.send(m)
	}
	m := message(failed())
	m.Number = 50
	s.send(m)
	s.in.Write([]byte(`{"number": 51, "id": "cut`))
	s.term <- syscall.SIGTERM
	got := map[uint64]Result{}
	for r, ok := s.next(); ok; r, ok = s.next() {
		if _, twice := got[r.Number]; twice {
			t.Errorf("two results for %d", r.Number)
		}
		got[r.Number] = r
	}
	must(t, s.wait())
	for n := uint64(2); n < 50; n++ {
		if r, ok := got[n]; !ok || (r.Error == "") != (n%3 == 0) {
			t.Errorf("message %d: got %v %+v", n, ok, r)
		}
	}
	if r := got[1]; r.Error == "" || r.Final {
		t.Errorf("the receiver that does not answer: %+v", r)
	}
	if r := got[50]; r.Error == "" || !r.Final {
		t.Errorf("a message without a receiver: %+v", r)
	}
	if len(got) != 50 {
		t.Errorf("%d results, want 50", len(got))
	}
}

// TestServeInterrupts: the end of the input ends commands at once, and TERM those that take too long. Nothing is said
// about them.
func TestServeInterrupts(t *testing.T) {
	for name, end := range map[string]func(s *served){
		"input": func(s *served) { s.in.Close() },
		"TERM":  func(s *served) { s.term <- syscall.SIGTERM },
	} {
		t.Run(name, func(t *testing.T) {
			l := long
			if name == "TERM" {
				l.last = brief
			}
			s := serve(t, l)
			file := filepath.Join(t.TempDir(), "pid")
			m := toCommand(`trap '' TERM; echo $$ >"$FILE"; while :; do sleep 0.01; done`, failed())
			m.Command.Env = append(m.Command.Env, "FILE="+file)
			s.send(m)
			var pid []byte
			until(t, "the command", func() bool {
				pid, _ = os.ReadFile(file)
				return bytes.HasSuffix(pid, []byte("\n"))
			})
			end(s)
			must(t, s.wait())
			if r, ok := s.next(); ok {
				t.Errorf("got a result: %+v", r)
			}
			if alive(t, string(pid)) {
				t.Error("the command lives")
			}
		})
	}
}

// TestServeNonsense: it ends with an error if it cannot understand a message.
func TestServeNonsense(t *testing.T) {
	s := serve(t, long)
	s.in.Write([]byte("nonsense\n"))
	if err := s.wait(); err == nil || !strings.HasPrefix(err.Error(), "cannot understand a message: ") {
		t.Errorf("got %v", err)
	}
}

// TestServePanic: a bug that one message meets does no harm to the others.
func TestServePanic(t *testing.T) {
	stderr := os.Stderr
	os.Stderr, _ = os.Open(os.DevNull) // the trace is for the log of the daemon
	defer func() { os.Stderr = stderr }()
	m := message(failed())
	m.HTTP = &HTTP{Preset: "bad"}
	presets["bad"] = func(*deliverer, context.Context, *Message) []request { panic("bad") }
	defer delete(presets, "bad")
	if r := deliver(t, newTest(long), m); r.Error == "" || r.Final {
		t.Errorf("got %+v", r)
	}
}

// TestServeSaysWhatRuns: before the result of a command there is a line that identifies its first process.
func TestServeSaysWhatRuns(t *testing.T) {
	s := serve(t, long)
	s.send(toCommand("echo $$", failed()))
	first, second := <-s.results, <-s.results
	if first.Leader == nil || first.Number != 5 || fmt.Sprintln(first.Leader.PID) != second.Output || first.Leader.Inode == 0 && first.Leader.Start == 0 {
		t.Errorf("got %+v %+v", first, second)
	}
	s.in.Close()
	must(t, s.wait())
}
