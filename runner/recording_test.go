package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/recorder"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// recordings are the recordings of daemons that follow one another in the same directories.
type recordings struct {
	*testing.T
	dirs    jobfile.Dirs
	trouble map[string]string
	events  []core.Event
	pids    map[int]bool  // of recorders
	ahead   time.Duration // of the clock

	diskHangs bool // no place gets into the journal
}

func newRecordings(t *testing.T) *recordings {
	if err := spawn.Prepare(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := &recordings{T: t, dirs: jobfile.Dirs{Log: filepath.Join(dir, "log"), Run: filepath.Join(dir, "run")},
		trouble: map[string]string{}, pids: map[int]bool{}}
	for _, dir := range []string{d.dirs.Log, d.dirs.Run} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for pid := range d.pids {
			syscall.Kill(pid, syscall.SIGKILL)
			syscall.Wait4(pid, nil, 0, nil)
		}
	})
	return d
}

func (d *recordings) handle(e core.Event) {
	d.events = append(d.events, e)
	if t, ok := e.(core.Trouble); ok {
		if d.trouble[t.Part] = t.Text; t.Text == "" {
			delete(d.trouble, t.Part)
		}
	}
}

// daemon returns the recording of a new daemon.
func (d *recordings) daemon(id string) *recording {
	began := time.Now()
	return newRecording(Options{Dirs: d.dirs}, id, false, jobfile.Output{Output: "files"}, &logger{Logger: hclog.NewNullLogger()},
		d.handle, func() time.Duration { return time.Hour + time.Since(began) + d.ahead })
}

// until performs turns of recordings until done.
func (d *recordings) until(what string, done func() bool, list ...*recording) {
	d.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); unix.Poll(nil, 2) {
		for _, r := range list {
			d.turn(r)
		}
		if time.Now().After(end) {
			d.Fatalf("waited too long until %s; trouble: %v", what, d.trouble)
		}
	}
}

func (d *recordings) turn(r *recording) {
	if r.conn != nil {
		r.receive()
	}
	if r.process.PID > 0 {
		d.pids[r.process.PID] = true
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(r.process.PID, &status, syscall.WNOHANG, nil); pid == r.process.PID {
			x := spawn.Exit{PID: pid}
			if x.Code = status.ExitStatus(); status.Signaled() {
				x.Code, x.Signal = 0, status.Signal()
			}
			r.reaped(x)
		}
	}
	if !d.diskHangs {
		r.recorded(r.takePlaced())
	}
	r.attend()
}

// begin begins a run and returns the write end of its pipe.
func (d *recordings) begin(r *recording, run uint64) *os.File {
	d.Helper()
	s := core.Start{Identity: statefile.Identity{Run: run}, Job: &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{Log: jobfile.Log{MaxSize: 1 << 30}}}, Marker: fmt.Sprintf("run %d started", run)}
	fd, err := r.pipe(s)
	if err != nil {
		d.Fatal(err)
	}
	fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		d.Fatal(err)
	}
	r.started(run)
	return os.NewFile(uintptr(fd), "pipe")
}

func (d *recordings) write(pipe *os.File, text string) {
	d.Helper()
	if _, err := pipe.WriteString(text); err != nil {
		d.Fatal(err)
	}
}

func (d *recordings) log() string {
	text, _ := os.ReadFile(filepath.Join(d.dirs.Log, "j.log"))
	return string(text)
}

func (d *recordings) logged(text string) func() bool {
	return func() bool { return strings.Contains(d.log(), text) }
}

// TestOneRecorder: a daemon whose connection to the recorder of an earlier daemon breaks starts another recorder only
// when the old one is dead.
func TestOneRecorder(t *testing.T) {
	d := newRecordings(t)
	old := d.daemon("a")
	pipe := d.begin(old, 1)
	defer pipe.Close()
	d.write(pipe, "one\n")
	d.until("the first line is in the log", d.logged("one\n"), old)
	pid := old.process.PID
	old.close()

	r := d.daemon("a")
	d.until("the daemon has the pipe", func() bool { return r.greeted && len(r.outputs) == 1 }, r)
	if r.process.PID != pid || r.child {
		t.Fatalf("the recorder is %d, a child: %v; want %d, which the other daemon started", r.process.PID, r.child, pid)
	}
	// Stopped, the old recorder lives on for a while, even if it is killed by a daemon that does not know it.
	d.write(pipe, "two\n")
	r.lost(errBroken)
	if r.conn != nil || r.child {
		t.Fatal("the daemon started another recorder at once")
	}
	d.until("another recorder works", func() bool { return r.conn != nil && r.ready }, r)
	if _, owned := recorder.Owner(r.memory); !owned || r.process.PID == pid {
		t.Errorf("the recorder is %d and owns its memory: %v", r.process.PID, owned)
	}
	d.write(pipe, "three\n")
	d.until("all lines are in the log", d.logged("three\n"), r)
	if got := d.log(); got != "== run 1 started\none\ntwo\nthree\n" {
		t.Errorf("the log is %q", got)
	}
	r.close()
}

var errBroken = errors.New("the recorder sent something strange")

// TestForeignRecorder: a daemon leaves alone the recorder of another state directory in the same run directory.
func TestForeignRecorder(t *testing.T) {
	d := newRecordings(t)
	one := d.daemon("a")
	first := d.begin(one, 1)
	defer first.Close()
	d.until("the first recorder works", func() bool { return one.ready }, one)

	other := d.daemon("b")
	second := d.begin(other, 1)
	defer second.Close()
	d.write(second, "of b\n")
	d.until("the second recorder works", func() bool { return other.ready }, one, other)
	d.until("the line is in the log", d.logged("of b\n"), one, other)
	if d.trouble["run directory"] == "" {
		t.Error("the daemon does not say that no later daemon can find its recorder")
	}
	if !one.ready || one.process.PID == other.process.PID {
		t.Errorf("the recorders are %d and %d", one.process.PID, other.process.PID)
	}
	// A later daemon finds the first recorder.
	pid := one.process.PID
	one.close()
	next := d.daemon("a")
	d.until("the next daemon has the pipe", func() bool { return next.greeted && len(next.outputs) == 1 }, next)
	if next.process.PID != pid {
		t.Errorf("the next daemon found the recorder %d, not %d", next.process.PID, pid)
	}
	next.close()
	other.close()
}

// TestSuspiciousMemory: if recorders die before they work, the memory may be the reason.
func TestSuspiciousMemory(t *testing.T) {
	d := newRecordings(t)
	r := d.daemon("a")
	fd, err := recorder.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Pwrite(fd, []byte("this is no memory of a recorder"), 0); err != nil {
		t.Fatal(err)
	}
	r.memory, r.memoryVersion = fd, r.version
	pipe := d.begin(r, 1)
	defer pipe.Close()
	d.write(pipe, "one\n")
	for n := range maxUnready {
		d.until("a recorder has failed", func() bool { return r.unready > n }, r)
		if d.trouble["recorder"] == "" {
			t.Error("the daemon reports no trouble")
		}
		if r.wait() < recorderPause/2 {
			t.Errorf("the next recorder starts in %v", r.wait())
		}
		r.retry = r.now() // now
	}
	d.until("a recorder works", func() bool { return r.ready }, r)
	d.until("the line is in the log", d.logged("one\n"), r)
	if d.trouble["recorder"] != "" || r.aside != fd {
		t.Errorf("trouble: %v; memory that is kept: %d, want %d", d.trouble, r.aside, fd)
	}
	r.close()
}

// TestReplacedRecorder: the next program replaces the recorder of this one, and no byte is lost.
func TestReplacedRecorder(t *testing.T) {
	for name, version := range map[string]int{"same version": recorder.Version, "another version": recorder.Version + 1} {
		t.Run(name, func(t *testing.T) {
			d := newRecordings(t)
			old := d.daemon("a")
			pipe := d.begin(old, 1)
			d.write(pipe, "one\nunfin")
			d.until("the first line is in the log", d.logged("one\n"), old)
			pid := old.process.PID
			old.close()

			r := d.daemon("a")
			r.version, r.replace = version, true
			d.until("the old recorder is told to end", func() bool { return r.quitting }, r)
			d.write(pipe, "ished\n")
			other := d.begin(r, 2) // starts meanwhile
			d.write(other, "other\n")
			// The new recorder is of the version of this program in any case.
			d.until("the old recorder has ended", func() bool {
				_, owned := recorder.Owner(r.memory)
				return !owned
			})
			r.receive() // what it has said last
			if version != recorder.Version && string(r.outputs[1].handed.Line) != "unfin" {
				t.Errorf("the old recorder handed over %+v", r.outputs[1].handed)
			}
			r.version = recorder.Version
			d.until("the new recorder works", func() bool { return r.conn != nil && r.ready }, r)
			if r.process.PID == pid || !r.child {
				t.Errorf("the recorder is %d, a child: %v", r.process.PID, r.child)
			}
			d.write(pipe, "three\n")
			d.until("all lines are in the log", func() bool { return d.logged("three\n")() && d.logged("other\n")() }, r)
			pipe.Close()
			other.Close()
			for run := range uint64(2) {
				r.end(core.EndOutput{Run: run + 1, Name: "j", Marker: fmt.Sprintf("run %d exited 0", run+1)})
			}
			d.until("the outputs have ended", func() bool { return len(r.outputs) == 0 }, r)
			got := d.log()
			for _, line := range []string{"one", "unfinished", "other", "three", "== run 1 started", "== run 2 started", "== run 1 exited 0", "== run 2 exited 0"} {
				if strings.Count(strings.NewReplacer("[1] ", "", "[2] ", "").Replace(got), line+"\n") != 1 {
					t.Errorf("%q is not once in the log %q", line, got)
				}
			}
			if strings.Count(got, "\n") != 8 {
				t.Errorf("the log is %q", got)
			}
			for _, e := range d.events {
				if e, ok := e.(core.OutputEnded); ok && e.Run == 1 && (e.Place.From.At != 0 || e.Place.Bytes != int64(len("one\nunfinished\nthree\n"))) {
					t.Errorf("the place of run 1 is %+v", e.Place)
				}
			}
			if len(d.trouble) > 0 || r.orphaned {
				t.Errorf("trouble: %v; the output of runs is lost: %v", d.trouble, r.orphaned)
			}
			r.close()
		})
	}
}

// TestHungRecorder: a recorder that does not answer is trouble, and a thousand outputs that wait for it let new runs
// wait. When it answers again, nothing is lost.
func TestHungRecorder(t *testing.T) {
	d := newRecordings(t)
	r := d.daemon("a")
	first := d.begin(r, 1)
	d.until("the recorder works", func() bool { return r.ready && r.awaited == 0 }, r)
	if w := r.wait(); w >= 0 {
		t.Errorf("the loop wakes up in %v although nothing is awaited", w)
	}
	syscall.Kill(r.process.PID, syscall.SIGSTOP)
	second := d.begin(r, 2)
	d.write(second, "two\n")
	d.turn(r)
	for range 2 { // it is asked for a sign of life first
		if len(d.trouble) > 0 {
			t.Errorf("too early: %v", d.trouble)
		}
		if w := r.wait(); w < 0 || w > recorderPatience {
			t.Fatalf("the loop waits %v", w)
		}
		d.ahead += recorderPatience
		d.turn(r)
	}
	if !strings.Contains(d.trouble["recorder"], "does not answer") {
		t.Errorf("trouble: %v", d.trouble)
	}
	awaited := r.awaited
	r.awaited = maxAwaited
	_, err := r.pipe(core.Start{Identity: statefile.Identity{Run: 3}, Job: &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{}}})
	var e *spawn.Error
	if !errors.As(err, &e) || !e.Transient() {
		t.Errorf("another run: %v", err)
	}
	r.awaited = awaited

	syscall.Kill(r.process.PID, syscall.SIGCONT)
	d.until("the line is in the log", d.logged("two\n"), r)
	d.until("the trouble is over", func() bool { return len(d.trouble) == 0 && r.awaited == 0 }, r)
	first.Close()
	second.Close()
	r.close()
}

// TestHungAtOnce: so is a recorder of an earlier daemon that does not answer the hello, or whose queue is full.
func TestHungAtOnce(t *testing.T) {
	d := newRecordings(t)
	old := d.daemon("a")
	pipe := d.begin(old, 1)
	d.until("the recorder works", func() bool { return old.ready }, old)
	pid := old.process.PID
	old.close()
	syscall.Kill(pid, syscall.SIGSTOP)
	r := d.daemon("a")
	for range 3 {
		d.turn(r)
		d.ahead += recorderPatience
	}
	if !strings.Contains(d.trouble["recorder"], "does not answer") {
		t.Errorf("trouble: %v", d.trouble)
	}
	var list []*recording
	for range 20 {
		if list = append(list, d.daemon("a")); list[len(list)-1].conn == nil {
			break
		}
	}
	last := list[len(list)-1]
	if last.conn != nil || !last.seeking || !strings.Contains(d.trouble["recorder"], "cannot connect") {
		t.Errorf("with %d connections, the trouble is %v", len(list), d.trouble)
	}
	if w := last.wait(); w < 0 || w > recorderPause {
		t.Errorf("the next attempt is in %v", w)
	}
	for _, other := range append(list[:len(list)-1], r) {
		other.close()
	}
	syscall.Kill(pid, syscall.SIGCONT)
	d.until("the last daemon has the pipe", func() bool { return last.greeted && len(last.outputs) == 1 }, last)
	if last.process.PID != pid || len(d.trouble) > 0 {
		t.Errorf("the recorder is %d, want %d; trouble: %v", last.process.PID, pid, d.trouble)
	}
	d.write(pipe, "one\n")
	d.until("the line is in the log", d.logged("one\n"), last)
	pipe.Close()
	last.close()
}

// TestRefusedRun: a run for which the recorder has no room now is handed over again.
func TestRefusedRun(t *testing.T) {
	d := newRecordings(t)
	r := d.daemon("a")
	pipe := d.begin(r, 1)
	d.until("the recorder works", func() bool { return r.ready && r.awaited == 0 }, r)
	r.message(recorder.Received{Message: recorder.Message{Kind: recorder.Refused, Run: 1}})
	if w := r.wait(); w < 0 || w > offerPause || r.conn.Queued() > 0 {
		t.Errorf("the loop waits %v with %d messages", w, r.conn.Queued())
	}
	d.ahead += offerPause
	r.offer()
	if r.conn.Queued() != 1 || len(r.refused) > 0 {
		t.Errorf("%d messages are on their way, and %d runs are still refused", r.conn.Queued(), len(r.refused))
	}
	d.write(pipe, "one\n")
	d.until("the line is in the log", d.logged("one\n"), r)
	pipe.Close()
	r.close()
}

// TestPauses: the pause doubles if recorders fail again and again, and is short again after one that worked for long.
func TestPauses(t *testing.T) {
	d := newRecordings(t)
	r := d.daemon("a")
	r.born = r.now()
	fails := func(x spawn.Exit) time.Duration {
		r.ready = true
		before := r.now()
		r.failed(x)
		return (r.retry - before).Round(time.Second)
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		if got := fails(spawn.Exit{Code: 2}); got != want*time.Second {
			t.Errorf("the pause is %v, want %v", got, want*time.Second)
		}
	}
	d.ahead += recorderPauseMax // it has worked since the daemon began
	if got := fails(spawn.Exit{Signal: syscall.SIGSEGV}); got != recorderPause {
		t.Errorf("the pause after a recorder that worked is %v, want %v", got, recorderPause)
	}
	if !strings.Contains(d.trouble["recorder"], "died of SEGV") {
		t.Errorf("trouble: %v", d.trouble)
	}
	r.close()
}

// TestSecondPipe: a start that is tried again brings another pipe, also if the recorder has not seen the end of the first
// one. The start marker is in the log once.
func TestSecondPipe(t *testing.T) {
	d := newRecordings(t)
	r := d.daemon("1")
	first := d.begin(r, 1)
	d.until("the start marker", d.logged("== run 1 started\n"), r)
	d.until("the daemon to know it", func() bool { return r.outputs[1].began }, r)
	r.notStarted(1) // the first pipe has no writer but this test, as if the recorder were behind
	second := d.begin(r, 1)
	d.write(second, "output\n")
	d.until("the output", d.logged("output\n"), r)
	first.Close()
	second.Close()
	r.end(core.EndOutput{Run: 1, Name: "j", Marker: "run 1 exited 0"})
	d.until("the end", d.logged("run 1 exited 0\n"), r)
	if got := d.log(); got != "== run 1 started\noutput\n== run 1 exited 0\n" {
		t.Errorf("the log is %q", got)
	}
	r.close()
}

// TestPlaceNotRecorded: a daemon dies before the place of an output is in the journal. The recorder tells it the next
// one.
func TestPlaceNotRecorded(t *testing.T) {
	d := newRecordings(t)
	d.diskHangs = true
	places := func() (n int) {
		for _, e := range d.events {
			if e, ok := e.(core.OutputEnded); ok && e.Run == 1 && e.Place.From.Inode > 0 && e.Place.To.At > 0 {
				n++
			}
		}
		return n
	}
	r := d.daemon("1")
	keep := d.begin(r, 2) // keeps the recorder alive
	defer keep.Close()
	d.begin(r, 1).Close()
	r.end(core.EndOutput{Run: 1, Name: "j", Marker: "run 1 exited 0"})
	d.until("the place", func() bool { return places() == 1 }, r)
	r.close()
	next := d.daemon("1")
	d.until("the place again", func() bool { return places() == 2 }, next)
	d.diskHangs = false
	d.until("the end of the output", func() bool { return next.outputs[1] == nil }, next)
	next.close()
}
