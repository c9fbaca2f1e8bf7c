//go:build !nowho && (amd64 || arm64)

package signals

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// other is a user who cannot signal this process without an extra capability.
const other = 65534

// sender is a shell that sends signals to this process. Each line of its input is one script.
type sender struct {
	t     *testing.T
	pid   int
	uid   int
	input io.WriteCloser
	done  *bufio.Scanner
}

func newSender(t *testing.T, uid int) *sender {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `while read -r script; do eval "$script"; echo; done`)
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)},
			AmbientCaps: []uintptr{unix.CAP_KILL}}
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		cmd.Wait()
	})
	return &sender{t, cmd.Process.Pid, uid, input, bufio.NewScanner(output)}
}

// begin makes the sender run a script, in which $us is the pid of this process.
func (s *sender) begin(script string) {
	fmt.Fprintf(s.input, "us=%d; %s\n", os.Getpid(), script)
}

func (s *sender) end() {
	if !s.done.Scan() {
		s.t.Error("a sender died")
	}
}

// newWatched returns a pump after it has discarded the earlier senders of its signals.
func newWatched(t *testing.T, sigs ...syscall.Signal) *Pump[int] {
	t.Helper()
	for _, sig := range sigs {
		LastSender(sig)
	}
	return newPump[int](t, sigs...)
}

// uids returns the users that this test can run processes as.
func uids() []int {
	if os.Getuid() == 0 {
		return []int{0, other}
	}
	return []int{os.Getuid()}
}

// take waits for sig and returns its sender.
func (p *Pump[T]) take(t testing.TB, sig syscall.Signal) Sender {
	t.Helper()
	for {
		p.wait(t)
		if set, _ := p.Take(); !set.Has(sig) {
			continue
		}
		s, news := LastSender(sig)
		if !news {
			t.Error("no news of the sender")
		}
		return s
	}
}

func TestSenderOfKill(t *testing.T) {
	all := []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTERM}
	p := newWatched(t, all...)
	for _, uid := range uids() {
		from := newSender(t, uid)
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", from.pid))
		if uid == os.Getuid() && err != nil {
			t.Fatal(err)
		}
		for _, sig := range all {
			from.begin(fmt.Sprintf("kill -%d $us", int(sig)))
			if got, want := p.take(t, sig), (Sender{PID: from.pid, UID: uid, Exe: exe, How: "kill"}); got != want {
				t.Errorf("%v: got %+v, want %+v", sig, got, want)
			}
			if s, news := LastSender(sig); news {
				t.Errorf("%v: LastSender returned a sender twice: %+v", sig, s)
			}
			from.end()
		}
	}
}

// TestSenderGone: a sender that has ended has no program.
func TestSenderGone(t *testing.T) {
	p := newWatched(t, syscall.SIGUSR1)
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("kill -USR1 %d", os.Getpid()))
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := p.take(t, syscall.SIGUSR1), (Sender{PID: cmd.Process.Pid, UID: os.Getuid(), How: "kill"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// siginfo is the kernel's struct of that name, for signals that have a sender.
type siginfo struct {
	signo, errno, code int32
	_                  int32
	pid, uid           int32
	_                  [104]byte
}

// queue sends this thread a signal with any siginfo. The kernel allows this only to the process itself.
func queue(t *testing.T, sig syscall.Signal, code, pid, uid int32) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	info := siginfo{signo: int32(sig), code: code, pid: pid, uid: uid}
	_, _, e := unix.Syscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(os.Getpid()), uintptr(unix.Gettid()),
		uintptr(sig), uintptr(unsafe.Pointer(&info)), 0, 0)
	if e != 0 {
		t.Fatal(e)
	}
}

// TestHow sends a signal in every possible way. It also imitates a terminal and a process of another pid namespace.
func TestHow(t *testing.T) {
	p := newWatched(t, syscall.SIGUSR1)
	us := Sender{PID: os.Getpid(), UID: os.Getuid()}
	us.Exe, _ = os.Readlink("/proc/self/exe")
	by := func(how string) Sender {
		s := us
		s.How = how
		return s
	}
	send := func(code, pid, uid int) func() {
		return func() { queue(t, syscall.SIGUSR1, int32(code), int32(pid), int32(uid)) }
	}
	tests := []struct {
		what string
		send func()
		want Sender
	}{
		{"kill", func() { raise(t, syscall.SIGUSR1) }, by("kill")},
		{"tgkill", func() { unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGUSR1) }, by("tgkill")},
		{"sigqueue", send(-1, us.PID, us.UID), by("sigqueue")},
		{"the kernel", send(0x80, 0, 0), Sender{UID: -1, How: "kernel"}},
		{"a timer", send(-2, 3, 4), unknown},
		{"root of another pid namespace", send(0, 0, 0), Sender{UID: 0, How: "kill"}},
		{"the largest numbers", send(0, 1<<22-1, -2), Sender{PID: 1<<22 - 1, UID: 1<<32 - 2, How: "kill"}},
		{"a lie", send(-1, -1, -1), Sender{PID: 1<<23 - 1, UID: 1<<32 - 1, How: "sigqueue"}},
	}
	for _, test := range tests {
		test.send()
		if got := p.take(t, syscall.SIGUSR1); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.what, got, test.want)
		}
	}
}

// TestSendersMerge: if several senders were not asked for, LastSender returns the last one and the number of the
// others.
func TestSendersMerge(t *testing.T) {
	p := newWatched(t, syscall.SIGUSR1, syscall.SIGUSR2)
	for pid := range int32(3) {
		queue(t, syscall.SIGUSR1, 0, 1<<22-3+pid, 5)
		p.wait(t) // until the handler has run
		p.Take()
	}
	queue(t, syscall.SIGUSR2, 0, 1<<22-1, 6)
	if got, want := p.take(t, syscall.SIGUSR2), (Sender{PID: 1<<22 - 1, UID: 6, How: "kill"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, want := range []Sender{{PID: 1<<22 - 1, UID: 5, How: "kill", More: 2}, unknown} {
		if got, news := LastSender(syscall.SIGUSR1); got != want || news != (want.PID > 0) {
			t.Errorf("got %+v %v, want %+v", got, news, want)
		}
	}
}

// These are the values of asm/signal.h.
const (
	saSiginfo = 0x00000004
	saOnStack = 0x08000000
)

// TestOnlyHandlerChanges: watch changes only the handler of the action, and a second call changes nothing.
func TestOnlyHandlerChanges(t *testing.T) {
	signal.Ignore(syscall.SIGWINCH) // removes our handler if it is installed
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	defer signal.Stop(c)
	want, err := getAction(syscall.SIGWINCH)
	if err != nil {
		t.Fatal(err)
	}
	if want.handler != runtimeHandler && runtimeHandler != 0 || want.flags&(saSiginfo|saOnStack) != saSiginfo|saOnStack {
		t.Errorf("the runtime's action is %+v", want)
	}
	want.handler = handlerPC()
	for range 2 {
		watch(syscall.SIGWINCH)
		if got, err := getAction(syscall.SIGWINCH); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	}
	newPump[int](t, syscall.SIGCHLD, syscall.SIGUSR1)
	if a, err := getAction(syscall.SIGCHLD); err != nil || a.handler == handlerPC() {
		t.Errorf("CHLD: %+v, %v", a, err)
	}
}

// TestWatchLeavesDefault: watch installs no handler where the runtime has none.
func TestWatchLeavesDefault(t *testing.T) {
	signal.Ignore(syscall.SIGUSR2)
	defer signal.Reset(syscall.SIGUSR2)
	before, err := getAction(syscall.SIGUSR2)
	if err != nil {
		t.Fatal(err)
	}
	watch(syscall.SIGUSR2)
	if after, err := getAction(syscall.SIGUSR2); err != nil || after != before {
		t.Errorf("got %+v, %v; want the action from before watch, %+v", after, err, before)
	}
}

// TestSenderAfterLeave: a pump that follows one whose Leave ignored the signals knows the senders again. This happens
// when an upgrade fails.
func TestSenderAfterLeave(t *testing.T) {
	for range 3 {
		p, err := New[int](syscall.SIGUSR1, syscall.SIGTERM)
		if err != nil {
			t.Fatal(err)
		}
		raise(t, syscall.SIGUSR1)
		if s := p.take(t, syscall.SIGUSR1); s.PID != os.Getpid() {
			t.Errorf("got %+v", s)
		}
		p.Leave()
		if a, err := getAction(syscall.SIGTERM); err != nil || a.handler != 1 { // SIG_IGN
			t.Errorf("TERM is not ignored: %+v, %v", a, err)
		}
		unix.Close(p.read)
		unix.Close(p.write)
	}
}

// TestSendersFlood: four processes of two users send 100,000 signals. Meanwhile goroutines allocate, their stacks
// grow, the garbage collector runs, threads start and end, processes are forked, and the profiler sends signals too.
// No record mixes two senders, and the loop gets a TERM at the end.
func TestSendersFlood(t *testing.T) {
	each := 25_000
	if testing.Short() {
		each = 1000
	}
	p := newWatched(t, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM)
	var all []*sender
	uidOf := map[int]int{}
	whole := []uint64{0}
	for n := range 4 {
		s := newSender(t, uids()[n%len(uids())])
		all = append(all, s)
		uidOf[s.pid] = s.uid
		whole = append(whole, uint64(s.uid)<<32|newsBit|uint64(s.pid))
	}
	sample := func() {
		for range 10_000 {
			if word := atomic.LoadUint64(&senders[syscall.SIGHUP]); !slices.Contains(whole, word) {
				t.Errorf("sender %#x is not one of %#x", word, whole)
			}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(16)) // so that the loop runs in spite of the load
	flood := make(chan struct{})
	profile := &countingWriter{}
	if err := pprof.StartCPUProfile(profile); err != nil {
		t.Fatal(err)
	}
	var load sync.WaitGroup
	for _, strain := range []func(){allocate, growStack, runtime.GC, spin, sample, newThread, func() { fork(t) }} {
		load.Go(func() {
			for {
				select {
				case <-flood:
					return
				default:
					strain()
				}
			}
		})
	}
	for _, s := range all {
		s.begin(fmt.Sprintf("i=0; while [ $i -lt %d ]; do kill -HUP $us; kill -USR1 $us; i=$((i+2)); done", each))
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for _, s := range all {
			s.end()
		}
		close(flood)
		load.Wait()
		all[3].begin("kill -TERM $us")
		all[3].end()
	}()
	reported, seen := map[int]int{}, 0
	for ended := false; !ended; {
		p.wait(t)
		set, _ := p.Take()
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
			if !set.Has(sig) {
				continue
			}
			s, news := LastSender(sig)
			if !news {
				continue
			}
			if uid, known := uidOf[s.PID]; !known || s.UID != uid || s.How != "kill" {
				t.Errorf("sender %+v is not one of %v", s, uidOf)
			}
			reported[s.PID]++
			seen += 1 + s.More
		}
		ended = set.Has(syscall.SIGTERM)
	}
	<-over
	if s, _ := LastSender(syscall.SIGTERM); s.PID != all[3].pid || s.UID != all[3].uid {
		t.Errorf("TERM came from %+v, not %+v", s, all[3])
	}
	pprof.StopCPUProfile()
	t.Logf("%d sent, %d seen, reported by sender: %v; %d bytes of profile", 4*each, seen, reported, profile.n)
	if seen == 0 || seen > 4*each {
		t.Errorf("%d sent, %d seen", 4*each, seen)
	}
}

type countingWriter struct{ n int }

func (w *countingWriter) Write(b []byte) (int, error) {
	w.n += len(b)
	return len(b), nil
}

var sink [][]byte

func allocate() {
	var all [][]byte
	for n := range 1000 {
		all = append(all, make([]byte, n))
	}
	sink = all
}

// growStack needs a new, deep stack each time.
func growStack() {
	done := make(chan int)
	go func() { done <- deep(2000) }()
	<-done
}

func deep(n int) int {
	var room [64]int
	room[n%64] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + room[n%64]
}

// spin runs until a signal preempts it, so that the garbage collector can continue.
func spin() {
	n := 0
	for i := range 1_000_000 {
		n += i & n
	}
	runtime.KeepAlive(n)
}

// newThread ends a thread: a goroutine that ends while it holds its lock ends its thread too.
func newThread() {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(done)
	}()
	<-done
}

func fork(t *testing.T) {
	if err := exec.Command("true").Run(); err != nil {
		t.Error(err)
	}
}
