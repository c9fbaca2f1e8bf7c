package signals

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 20 * time.Second

func newPump[T any](t testing.TB, sigs ...syscall.Signal) *Pump[T] {
	t.Helper()
	p, err := New[T](sigs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// wait blocks until the pump wakes it, as the loop does.
func (p *Pump[T]) wait(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		fds := []unix.PollFd{{Fd: int32(p.FD()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(time.Until(deadline).Milliseconds()))
		if n == 1 {
			return
		}
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no wake-up")
		}
	}
}

// readable reports whether the pump's pipe holds a byte.
func (p *Pump[T]) readable(t testing.TB) bool {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.FD()), Events: unix.POLLIN}}, 0)
		if err == nil {
			return n == 1
		}
		if err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

func raise(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), sig); err != nil {
		t.Error(err)
	}
}

func TestSet(t *testing.T) {
	s := Set(1<<syscall.SIGTERM | 1<<syscall.SIGHUP)
	for sig := syscall.Signal(-1); sig < 70; sig++ {
		if want := sig == syscall.SIGTERM || sig == syscall.SIGHUP; s.Has(sig) != want {
			t.Errorf("Has(%d) = %v", int(sig), !want)
		}
	}
}

func TestNewRefusesSignalsThatDoNotFit(t *testing.T) {
	for _, sig := range []syscall.Signal{-1, 0, 32, 64} {
		if _, err := New[int](syscall.SIGUSR1, sig); err == nil {
			t.Errorf("New(%d): no error", int(sig))
		}
	}
}

func TestPipeFlags(t *testing.T) {
	p := newPump[int](t)
	for _, fd := range []int{p.read, p.write} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("fd %d: flags %x, %v: not close-on-exec", fd, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("fd %d: flags %x, %v: not non-blocking", fd, flags, err)
		}
	}
}

func TestOneSignal(t *testing.T) {
	p := newPump[int](t, syscall.SIGUSR1, syscall.SIGUSR2)
	if p.readable(t) {
		t.Error("the pipe is readable before any signal arrived")
	}
	raise(t, syscall.SIGUSR2)
	p.wait(t)
	if set, posts := p.Take(); set != 1<<syscall.SIGUSR2 || posts != nil {
		t.Errorf("Take = %b, %v", set, posts)
	}
	if set, posts := p.Take(); set != 0 || posts != nil {
		t.Errorf("second Take = %b, %v", set, posts)
	}
}

// A burst writes only one byte however many bits it sets, so the pipe can never fill up.
func TestBurstIsOneWake(t *testing.T) {
	p := newPump[int](t)
	for i := range 100_000 {
		p.Post(i)
		p.mark(1 << syscall.SIGHUP)
	}
	var b [64]byte
	if n, err := unix.Read(p.read, b[:]); n != 1 || err != nil {
		t.Errorf("pipe held %d bytes, %v", n, err)
	}
	set, posts := p.Take()
	if !set.Has(syscall.SIGHUP) || len(posts) != 100_000 {
		t.Errorf("Take = %b and %d posts", set, len(posts))
	}
	for i, v := range posts {
		if v != i {
			t.Fatalf("post %d is %d", i, v)
		}
	}
}

// A slow loop still gets a TERM in a storm of CHLD and HUP, and the last HUP.
func TestFloodLosesNothing(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	p := newPump[int](t, syscall.SIGCHLD, syscall.SIGHUP, syscall.SIGTERM)
	for range rounds {
		var hups, seen atomic.Int64
		flood := make(chan struct{})
		go func() {
			defer close(flood)
			for i := range 2000 {
				raise(t, syscall.SIGCHLD)
				if i == 1000 {
					raise(t, syscall.SIGTERM)
				}
				hups.Add(1)
				raise(t, syscall.SIGHUP)
			}
		}()
		var term bool
		for !term || seen.Load() < 2000 {
			p.wait(t)
			set, _ := p.Take()
			term = term || set.Has(syscall.SIGTERM)
			if set.Has(syscall.SIGHUP) {
				seen.Store(hups.Load()) // as a daemon does: take the HUP first, then read the state
			}
			for i := 0; i < 20_000; i++ { // a slow turn
				_ = p.pending.Load()
			}
		}
		<-flood
	}
}

// Every post wakes a loop that sleeps without a deadline between posts. If a wake-up is lost, the test hangs.
func TestNoWakeIsLost(t *testing.T) {
	p := newPump[int](t, syscall.SIGUSR1)
	taken := make(chan int)
	const n = 20_000
	go func() {
		for i := range n {
			p.Post(i)
			if i%3 == 0 {
				raise(t, syscall.SIGUSR1) // an unrelated wake-up
			}
			if got := <-taken; got != i {
				t.Errorf("posted %d, got %d", i, got)
			}
		}
		close(taken)
	}()
	for got := 0; got < n; {
		p.wait(t)
		_, posts := p.Take()
		for _, v := range posts {
			taken <- v
			got++
		}
	}
	<-taken
}

func TestManyPosters(t *testing.T) {
	type item struct{ poster, n int }
	const posters, each = 64, 500
	p := newPump[item](t, syscall.SIGUSR1)
	var wg sync.WaitGroup
	for poster := range posters {
		wg.Go(func() {
			for n := range each {
				p.Post(item{poster, n})
			}
		})
	}
	var next [posters]int
	for got := 0; got < posters*each; {
		p.wait(t)
		_, posts := p.Take()
		for _, it := range posts {
			if it.n != next[it.poster] {
				t.Fatalf("poster %d: got %d, want %d", it.poster, it.n, next[it.poster])
			}
			next[it.poster]++
		}
		got += len(posts)
	}
	wg.Wait()
	if _, posts := p.Take(); len(posts) != 0 {
		t.Errorf("Take returned %d more posts than were posted", len(posts))
	}
}

func TestCloseEndsForwarders(t *testing.T) {
	for range 50 {
		p, err := New[int](syscall.SIGUSR1, syscall.SIGUSR2)
		if err != nil {
			t.Fatal(err)
		}
		p.Close() // waits for its goroutines
	}
}

// BenchmarkSignal measures the time from kill(2) to Take. BenchmarkFloor measures the same wake-up without Go's
// signal delivery.
func BenchmarkSignal(b *testing.B) {
	p := newPump[int](b, syscall.SIGUSR1)
	benchmarkWake(b, p, func() { raise(b, syscall.SIGUSR1) })
}

func BenchmarkPost(b *testing.B) {
	p := newPump[int](b)
	benchmarkWake(b, p, func() { p.Post(0) })
}

func BenchmarkFloor(b *testing.B) {
	p := newPump[int](b)
	benchmarkWake(b, p, func() {
		if _, err := unix.Write(p.write, []byte{0}); err != nil {
			b.Error(err)
		}
	})
}

func benchmarkWake(b *testing.B, p *Pump[int], wake func()) {
	awake := make(chan struct{})
	go func() {
		for range b.N {
			wake()
			<-awake
		}
	}()
	for range b.N {
		p.wait(b)
		p.Take()
		awake <- struct{}{}
	}
}
