package recorder

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// TestKilledAtEachStep: a recorder is killed at a step, and the next one continues. Whatever step it is, the log is the
// same in the end, byte by byte, and so are the places of all runs.
func TestKilledAtEachStep(t *testing.T) {
	oldMoment, oldWrite := moment, writeAtOnce
	moment, writeAtOnce = 0, 1000
	t.Cleanup(func() { moment, writeAtOnce, step = oldMoment, oldWrite, func(string) {} })
	want, steps := crash(t, 0)
	if !strings.HasPrefix(want, "== run 1 started\none\n") || !strings.Contains(want, "x\n== run 4 exited 0\n== run 5 started\n== run 5 exited 0\n== run 6 started\nsix\nx\n== run 6 exited 0\n\n1: ") {
		t.Fatalf("without a kill, the log is\n%s", want)
	}
	names := map[string]bool{}
	for _, name := range steps {
		names[name] = true
	}
	t.Logf("%d steps with %d names", len(steps), len(names))
	for _, name := range []string{"taking", "taken", "given", "lengthening", "lengthened", "beginning", "begun", "marked", "ended", "kept",
		"counted", "lined", "done", "expecting", "expected", "got", "read", "mixing", "mixed", "newline", "rotated", "opened", "writing", "written"} {
		if !names[name] {
			t.Errorf("no step %s", name)
		}
	}
	for n, name := range steps {
		if got, _ := crash(t, n+1); got != want {
			t.Fatalf("killed at step %d, %s: the log is\n%s\nwant\n%s", n+1, name, short(got), short(want))
		}
	}
}

// short shortens long lines.
func short(text string) string {
	return strings.ReplaceAll(text, strings.Repeat("x", 1000), "x..x")
}

// crash runs the script. It kills the recorder at the n-th step, unless n is 0. It returns the log with the place of each
// run, and the names of all steps.
func crash(t *testing.T, n int) (log string, steps []string) {
	fd, err := NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	d := &crashed{TB: t, dir: memoryDir(t), memory: fd, killed: make(chan bool), runs: map[uint64]*crashedRun{}, places: map[uint64]joblog.Place{}}
	defer d.end()
	step = func(name string) {
		if steps = append(steps, name); len(steps) == n {
			unix.Shutdown(d.theirs, unix.SHUT_RDWR)
			close(d.killed)
			runtime.Goexit()
		}
	}
	d.start()
	if !d.ready() {
		d.kill()
		d.start()
		d.ready()
	}
	long := strings.Repeat("x", 5000)
	d.begin(1)
	d.write(1, "one\n")
	d.write(1, "two ")
	d.write(1, "parts\nnext")
	d.begin(2)
	d.write(2, "a\nb\nc\n")
	d.write(1, " line\n")
	d.write(1, long)
	d.write(1, "y\nz")
	d.write(1, long)
	d.write(2, "between\n2")
	d.write(1, "rest\n")
	d.over(2)
	d.write(2, "late\nlate")
	d.begin(3)
	d.write(3, strings.Repeat("line of 3\n", 900))
	d.write(3, long)
	d.closePipe(3)
	d.over(3)
	d.closePipe(2)
	d.write(1, long)
	d.closePipe(1)
	d.over(1)
	d.begin(4)
	d.write(4, "four\nx")
	d.closePipe(4)
	d.over(4)
	d.whole(5, "")
	d.whole(6, "six\nx")
	if len(d.runs) > 0 {
		t.Errorf("killed at step %d: runs are left: %v", n, d.runs)
	}
	return d.log(), steps
}

// memoryDir returns a directory that no disk slows down, if there is one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "recorder")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// crashed is a daemon whose recorder is killed. The recorder is a goroutine, because that is faster than a process.
type crashed struct {
	testing.TB
	dir    string
	memory int
	server *server
	theirs int // their end of conn
	conn   *Conn
	killed chan bool // closed by the step at which the recorder is killed
	ended  chan bool // the goroutine has ended
	runs   map[uint64]*crashedRun
	places map[uint64]joblog.Place
}

type crashedRun struct {
	begin       Message
	read, write int
	began, over bool
	end         Message
	ended       bool
}

func (d *crashed) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// start starts a recorder and hands over all runs.
func (d *crashed) start() {
	conn, theirs, err := Pair()
	d.must(err)
	d.conn, d.theirs = conn, theirs
	arena, err := openArena(d.memory)
	d.must(err)
	wait, err := newWaiter()
	d.must(err)
	d.server = newServer(arena, wait, -1)
	d.ended = make(chan bool)
	go func(s *server, ended chan bool) {
		defer close(ended)
		s.serve(theirs)
	}(d.server, d.ended)
	conn.Send(Message{Kind: Hello, Version: Version, Settings: &Settings{Group: -1}})
	for run := uint64(1); run < 10; run++ {
		if r := d.runs[run]; r != nil {
			m := r.begin
			if r.began {
				m = Message{Kind: Resume, Run: run, Job: m.Job, Log: m.Log, Over: r.ended}
			}
			conn.Send(m, r.read)
			if r.over && !r.ended {
				conn.Send(r.end)
			}
		}
	}
	conn.Send(Message{Kind: Ready})
}

// settle waits until the recorder has done all that there is to do. If it was killed, settle starts another one.
func (d *crashed) settle() {
	d.Helper()
	for {
		d.conn.Send(Message{Kind: Hello, Version: Version})
		if d.ready() {
			return
		}
		d.kill()
		d.start()
		if !d.ready() {
			d.Fatal("the second recorder has ended, too")
		}
	}
}

// ready handles the messages of the recorder until it has answered a hello. It reports false if it was killed.
func (d *crashed) ready() bool {
	d.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		if d.conn.Flush() != nil {
			return false
		}
		unix.Poll([]unix.PollFd{{Fd: int32(d.conn.FD()), Events: unix.POLLIN}}, 1000)
		list, err := d.conn.Receive()
		ready := false
		for _, m := range list {
			ready = d.message(m) || ready
		}
		if err == io.EOF {
			return false
		}
		d.must(err)
		if ready {
			d.must(d.conn.Flush())
			return true
		}
	}
	d.Fatal("the recorder does not answer")
	return false
}

func (d *crashed) message(m Received) (ready bool) {
	for _, fd := range m.FDs {
		unix.Close(fd)
	}
	r := d.runs[m.Run]
	switch {
	case m.Kind == Ready:
		return true
	case m.Kind == Trouble:
		d.Errorf("trouble: %s", m.Text)
	case r == nil:
	case m.Kind == Began:
		r.began = true
	case m.Kind == Ended:
		d.places[m.Run] = joblog.Place{From: *m.From, To: m.To, Bytes: m.Bytes, Mixed: m.Mixed, Alone: m.Alone}
		r.ended = true
		d.conn.Send(Message{Kind: Done, Run: m.Run})
		if m.Closed {
			d.forget(m.Run)
		}
	case m.Kind == Closed:
		d.forget(m.Run)
	}
	return false
}

func (d *crashed) forget(run uint64) {
	unix.Close(d.runs[run].read)
	delete(d.runs, run)
}

// kill ends the recorder after the step at which its goroutine has ended.
func (d *crashed) kill() {
	<-d.killed
	s := d.server
	if s.calls.now.Store(nil); s.calls.timer != nil {
		s.calls.timer.Stop() // or it would take over from the goroutine that has ended
	}
	if s.finished != nil {
		s.finished <- nil
	}
	d.close()
}

// close closes what the kernel closes when a process ends.
func (d *crashed) close() {
	<-d.ended
	s := d.server
	for fd := range s.byFD {
		unix.Close(fd)
	}
	fds := []int{s.wait.all, s.wait.pipes}
	if s.calls.timer != nil { // it has prepared its calls
		fds = append(fds, s.calls.wake[:]...)
	}
	for _, fd := range fds {
		unix.Close(fd)
	}
	if s.daemon != nil || s.finished == nil {
		unix.Close(d.theirs)
	}
	unix.Munmap(s.arena.mem)
	d.conn.Close()
}

// end lets the recorder end by itself, as it has no daemon and no pipe any more.
func (d *crashed) end() {
	d.conn.Close()
	if len(d.runs) == 0 {
		d.close()
	}
	unix.Close(d.memory)
}

// whole is a run that is over before the recorder knows it.
func (d *crashed) whole(run uint64, text string) {
	d.Helper()
	r := d.prepare(run)
	unix.Write(r.write, []byte(text))
	unix.Close(r.write)
	r.over = true
	d.conn.Send(r.end)
	d.settle()
	d.settle() // Done is on its way
}

func (d *crashed) begin(run uint64) {
	d.Helper()
	d.prepare(run)
	d.settle()
}

// prepare makes a run and sends its beginning with the next message.
func (d *crashed) prepare(run uint64) *crashedRun {
	d.Helper()
	var p [2]int
	d.must(unix.Pipe(p[:]))
	log := Log{Path: filepath.Join(d.dir, "a.log"), MaxSize: 6000, Keep: 1000}
	r := &crashedRun{read: p[0], write: p[1]}
	r.begin = Message{Kind: Begin, Run: run, Job: "a", Log: &log, Text: fmt.Sprintf("run %d started", run)}
	r.end = Message{Kind: End, Run: run, Job: "a", Log: &log, Text: fmt.Sprintf("run %d exited 0", run)}
	d.runs[run] = r
	d.conn.Send(r.begin, r.read)
	return r
}

func (d *crashed) write(run uint64, text string) {
	d.Helper()
	_, err := unix.Write(d.runs[run].write, []byte(text))
	d.must(err)
	d.settle()
}

func (d *crashed) closePipe(run uint64) {
	d.Helper()
	unix.Close(d.runs[run].write)
	d.settle()
}

func (d *crashed) over(run uint64) {
	d.Helper()
	r := d.runs[run]
	r.over = true
	d.conn.Send(r.end)
	d.settle()
	d.settle() // Done is on its way
}

// log returns all files of the log, and where in it the output of each run is.
func (d *crashed) log() string {
	d.Helper()
	var text strings.Builder
	l, err := joblog.OpenLog(filepath.Join(d.dir, "a.log"))
	d.must(err)
	defer l.Close()
	for run := uint64(1); run <= 6; run++ {
		p := d.places[run]
		from, to, ok := l.Find(p, run)
		fmt.Fprintf(&text, "\n%d: %d to %d, %v, %d bytes, %v", run, from, to, ok, p.Bytes, p.Alone)
		if p.Mixed != nil {
			at, ok := l.Offset(*p.Mixed)
			fmt.Fprintf(&text, ", mixed from %d, %v", at, ok)
		}
	}
	places := text.String()
	text.Reset()
	_, err = io.Copy(&text, l.Reader(0, l.Size()))
	d.must(err)
	if _, err := os.Stat(joblog.Archive(filepath.Join(d.dir, "a.log"), 1)); err != nil {
		d.Error("there was no rotation")
	}
	return text.String() + places
}
