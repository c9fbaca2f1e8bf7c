package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/control"
	"jobsd/statefile"
)

// socketJobs has a job that shows that the daemon still works, and a job for commands.
const socketJobs = `
[[jobs]]
name = "beat"
cmd = ["true"]
every = "100h"
overlap = "allow"

[[jobs]]
name = "long"
cmd = ["sleep", "1000"]
every = "100h"
overlap = "allow"
`

func (s *server) dial() net.Conn {
	s.t.Helper()
	path := filepath.Join(s.root, "run", control.SocketName)
	conn, err := net.Dial("unix", path)
	for deadline := time.Now().Add(waitLimit); errors.Is(err, syscall.EAGAIN) && time.Now().Before(deadline); { // the queue is full
		conn, err = net.Dial("unix", path)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// socketCount returns how many sockets the daemon has open: the cost of its clients.
func (s *server) socketCount() (n int) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.cmd.Process.Pid))
	if err != nil || len(links) == 0 {
		s.t.Skip("no /proc to count the daemon's descriptors in")
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// ask sends a line and returns the first line of the answer.
func ask(t *testing.T, conn net.Conn, line string) string {
	t.Helper()
	answer, err := tryAsk(conn, line)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func tryAsk(conn net.Conn, line string) (string, error) {
	io.WriteString(conn, line+"\n") // if this fails, the daemon has already refused the client and sent an answer
	return bufio.NewReader(conn).ReadString('\n')
}

// TestA40HostileClients: while a hostile client is connected, jobs start and the daemon answers another client. When
// the hostile clients are gone, the daemon has closed all their sockets.
func TestA40HostileClients(t *testing.T) {
	t.Parallel() // it waits ten seconds for clients that hang
	s := newServer(t)
	s.writeJobs("jobs.toml", socketJobs)
	s.start()
	s.waitReady()
	before := s.socketCount()
	clients := map[string]func(t *testing.T){
		"half a line": func(t *testing.T) { io.WriteString(s.dial(), `{"version":1,"verb":"st`) },
		"a gigabyte": func(t *testing.T) {
			conn := s.dial()
			block := bytes.Repeat([]byte("x"), 1<<20)
			sent := 0
			for err := error(nil); err == nil; sent++ {
				if sent == 1024 {
					t.Fatal("the daemon read a gigabyte of one line")
				}
				_, err = conn.Write(block)
			}
			answer, _ := bufio.NewReader(conn).ReadString('\n')
			if !strings.Contains(answer, "more than 65536 bytes") {
				t.Errorf("got %q, want an error about 65536 bytes", answer)
			}
			t.Logf("after %d MiB at most: %s", sent, answer)
		},
		"never reads": func(t *testing.T) {
			conn := s.dial()
			conn.(*net.UnixConn).SetReadBuffer(1)
			line := []byte(`{"version":1,"verb":"start","job":"none"}` + "\n")
			conn.SetWriteDeadline(time.Now().Add(time.Second))
			for n := range 1 << 20 {
				if _, err := conn.Write(line); err != nil { // the daemon has stopped reading, or has closed the connection
					t.Logf("after %d requests: %v", n, err)
					return
				}
			}
			t.Error("the daemon still reads from a client that does not read")
		},
		"200 connections": func(t *testing.T) {
			conns := make([]net.Conn, 200)
			for i := range conns {
				conns[i] = s.dial()
			}
			busy := 0
			for _, conn := range conns[control.MaxConnections:] {
				answer, _ := bufio.NewReader(conn).ReadString('\n')
				if strings.Contains(answer, `"busy"`) {
					busy++
				}
			}
			if busy < 200-2*control.MaxConnections {
				t.Errorf("the daemon refused %d connections, want at least %d", busy, 200-2*control.MaxConnections)
			}
			t.Logf("%d clients got the answer that the daemon is busy", busy)
			for _, conn := range conns {
				conn.Close()
			}
		},
		"killed in mid-command": func(t *testing.T) {
			client := s.command("start", "--wait", "long")
			if err := client.Start(); err != nil {
				t.Fatal(err)
			}
			lives := func(st *statefile.State) bool { return len(st.Jobs["long"].Running) == 1 }
			s.waitState("its run", lives)
			client.Process.Kill()
			client.Wait()
			if got := ask(t, s.dial(), `{"version":1,"verb":"start","job":"long"}`); !strings.Contains(got, `"run":`) {
				t.Errorf("got %q, want a run", got)
			}
			st := s.waitState("both runs", func(st *statefile.State) bool { return len(st.Jobs["long"].Running) == 2 })
			t.Logf("run %d continues: %s", st.Jobs["long"].Running[0].Run, st.Jobs["long"].Running[0].State)
			if got := ask(t, s.dial(), `{"version":1,"verb":"stop","job":"long"}`); strings.Contains(got, "error") {
				t.Errorf("got %q, want no error", got)
			}
		},
	}
	for name, line := range map[string]string{
		"garbage":         "\x1b\xff GET / HTTP/1.1",
		"NULs":            strings.Repeat("\x00", 1000),
		"NUL in argument": `{"version":1,"verb":"start","job":"long","args":["a\u0000b"]}`,
		"an array":        `[1]`,
		"no version":      `{"verb":"start","job":"long"}`,
		"other version":   `{"version":2,"verb":"start","job":"long"}`,
		"other verb":      `{"version":1,"verb":"dance"}`,
		"other key":       `{"version":1,"verb":"start","job":"long","in":"10m"}`,
		"empty line":      ``,
	} {
		clients[name] = func(t *testing.T) {
			conn := s.dial()
			if got := ask(t, conn, line); !strings.Contains(got, `"error":{"code":"`) {
				t.Errorf("got %q, want an error", got)
			}
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection is not closed: got %v", err)
			}
		}
	}
	for name, client := range clients {
		t.Run(name, client)
		runs := s.readState().Jobs["beat"].Runs
		got := `"busy"` // until the daemon has noticed that the clients are gone
		for deadline := time.Now().Add(waitLimit); strings.Contains(got, `"busy"`) && time.Now().Before(deadline); {
			got, _ = tryAsk(s.dial(), `{"version":1,"verb":"start","job":"beat"}`)
		}
		if !strings.Contains(got, `"run":`) {
			t.Errorf("%s: the next client got %q, want a run", name, got)
		}
		s.waitState("other jobs to run", func(st *statefile.State) bool { return st.Jobs["beat"].Runs > runs })
	}
	// The daemon answers another client while some hang, and later drops these.
	if got := ask(t, s.dial(), `{"version":1,"verb":"start","job":"none"}`); !strings.Contains(got, `"no_job"`) {
		t.Errorf("got %q, want the error no_job", got)
	}
	s.waitState("the descriptors to be closed", func(*statefile.State) bool { return s.socketCount() <= before+1 }) // one for the recorder
	s.terminate()
	text, _ := os.ReadFile(s.log)
	if bytes.Contains(text, []byte("panic")) {
		t.Errorf("got a panic in the log, want none: %s", text)
	}
	if m := turnLine.FindSubmatch(text); m != nil {
		t.Logf("longest turn of the loop: %s", m[1])
	}
}

// TestA40ClientOfAnotherUser: the daemon refuses the commands of a user who is neither root nor its own.
func TestA40ClientOfAnotherUser(t *testing.T) {
	needRoot(t, "only root can become another user")
	s := newServer(t)
	s.writeJobs("jobs.toml", socketJobs)
	s.start()
	s.waitReady()
	s.openToOthers()
	path := filepath.Join(s.root, "jobsd")
	copyProgram(t, s.program(), path)
	for _, args := range [][]string{{"start", "long"}, {"stop", "long"}, {"restart", "long"}, {"reload"}, {"disable", "long"},
		{"disable", "--all"}, {"enable", "long"}, {"start", "--in", "1h", "long"}} {
		cmd := exec.Command(path, append([]string{"--root", s.root}, args...)...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
		out, err := cmd.CombinedOutput()
		code := cmd.ProcessState.ExitCode()
		if code != 4 || !bytes.Contains(out, []byte("not permitted")) {
			t.Errorf("%q: got exit code %d, %v, want 4 and \"not permitted\"\n%s", args, code, err, out)
		}
		t.Logf("jobsd %s: exit code %d: %s", strings.Join(args, " "), code, out)
	}
	if n := s.readState().Jobs["long"].Runs; n != 0 {
		t.Errorf("the job ran %d times, want 0", n)
	}
	s.waitLogged("uid=12345")
}

// TestRunDirectoryRemoved: somebody removes the run directory. Commands then fail, and their message says how to
// restore the socket.
func TestRunDirectoryRemoved(t *testing.T) {
	s := newServer(t)
	s.writeJobs("long.toml", `cmd = ["sleep", "1000"]`)
	s.startReady()
	run := filepath.Join(s.root, "run")
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	start := func() (string, error) {
		text, err := s.command("start", "long").CombinedOutput()
		return string(text), err
	}
	text, err := start()
	if hup := fmt.Sprintf("kill -HUP %d", s.cmd.Process.Pid); err == nil || !strings.Contains(text, "the control socket was removed") || !strings.Contains(text, hup) {
		t.Errorf("start without a socket: got %s%v, want an error with the hint %q", text, err, hup)
	}
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.waitFor("a new socket and a new pid file", func() bool {
		_, err1 := os.Stat(filepath.Join(run, control.SocketName))
		_, err2 := os.Stat(filepath.Join(run, "jobsd.pid"))
		return err1 == nil && err2 == nil
	})
	if text, err := start(); err != nil {
		t.Errorf("start with the new socket: %s%v", text, err)
	}
	s.terminate()
}

// TestReloadAnswer: the answer to a reload has its counts, and each mistake with its place. Several clients can wait at
// the same time.
func TestReloadAnswer(t *testing.T) {
	s := newServer(t)
	s.writeJobs("same.toml", `cmd = ["true"]`)
	s.startReady()
	s.writeJobs("new.toml", `cmd = ["true"]`)
	s.writeJobs("bad.toml", "cmd = [\"true\"]\nevery = \"5\"\n")
	var scanners []*bufio.Scanner
	for range 3 {
		conn := s.dial()
		io.WriteString(conn, `{"version":1,"verb":"reload"}`+"\n")
		scanners = append(scanners, bufio.NewScanner(conn))
	}
	for i, lines := range scanners {
		var first, last control.Response
		for _, r := range []*control.Response{&first, &last} {
			if !lines.Scan() {
				t.Fatal("no answer: ", lines.Err())
			}
			if err := json.Unmarshal(lines.Bytes(), r); err != nil {
				t.Fatal(err)
			}
		}
		if first.Last || first.Reload != nil || !last.Last || last.Reload == nil || last.Error != nil {
			t.Fatalf("client %d: got %+v, then %+v", i, first, last)
		}
		r := last.Reload
		if r.New+r.Unchanged != 2 || r.Removed+r.Changed != 0 || r.Refused != 1 || len(r.Errors) != 1 {
			t.Fatalf("client %d: got %+v", i, r)
		}
		if e := r.Errors[0]; e.File != "bad.toml" || e.Line != 2 || e.Column != 9 || e.Key != "every" || !strings.Contains(e.Text, "unit") {
			t.Errorf("client %d: got %+v", i, e)
		}
	}
	s.terminate()
}
