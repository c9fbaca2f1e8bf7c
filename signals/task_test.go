package signals

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestTasks: each task comes when it is due and not earlier, in order of time. A repeating task continues, and comes
// once for all the times that it missed.
func TestTasks(t *testing.T) {
	p := newPump[string](t)
	p.PostAt("late", 30, 0)
	p.PostAt("beat", 10, 10)
	p.PostAt("early", 5, 0)
	p.PostAt("also early", 5, 0)
	p.Post("now")
	for _, step := range []struct {
		now  time.Duration
		want []string
		next time.Duration
	}{
		{0, []string{"now"}, 5},
		{4, nil, 5},
		{5, []string{"early", "also early"}, 10},
		{10, []string{"beat"}, 20},
		{19, nil, 20},
		{30, []string{"beat", "late"}, 40},
		{75, []string{"beat"}, 80},
		{80, []string{"beat"}, 90},
	} {
		_, got := p.Take(step.now)
		if !slices.Equal(got, step.want) {
			t.Errorf("at %d: got %q, want %q", step.now, got, step.want)
		}
		if at, ok := p.Next(); !ok || at != step.next {
			t.Errorf("at %d: Next = %d, %v; want %d", step.now, at, ok, step.next)
		}
	}
}

// TestTaskWakes: a new task wakes the sleeping loop when it is due before the time the loop waits for.
func TestTaskWakes(t *testing.T) {
	p := newPump[int](t)
	if at, ok := p.Next(); ok {
		t.Errorf("an empty pump waits for %d", at)
	}
	go p.PostAt(1, 7, 0)
	p.wait(t)
	if _, got := p.Take(0); len(got) != 0 {
		t.Errorf("a task came early: %v", got)
	}
	if at, ok := p.Next(); !ok || at != 7 {
		t.Errorf("next at %d, %v", at, ok)
	}
}

// TestPosters: 64 goroutines post at once while the loop's clock advances: plain posts, tasks with the same time, and
// tasks that repeat. No post is lost, none comes twice or early, and the posts of one goroutine for one time come in
// its order.
func TestPosters(t *testing.T) {
	const (
		posters = 64
		each    = 300
		horizon = 10_000
		beats   = 5
	)
	type item struct {
		poster, n int
		at, every time.Duration
		timed     bool
	}
	p := newPump[item](t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var posting sync.WaitGroup
	for id := range posters {
		posting.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(id)))
			for n := range each {
				it := item{poster: id, n: n, at: time.Duration(rng.IntN(horizon)), timed: rng.IntN(3) > 0}
				switch {
				case !it.timed:
					p.Post(it)
				case rng.IntN(20) == 0:
					it.every = horizon
					p.PostAt(it, it.at, it.every)
				default:
					p.PostAt(it, it.at, 0)
				}
			}
		})
	}
	all := make(chan struct{})
	go func() { posting.Wait(); close(all) }()

	came := map[item]int{}
	lastPlain, lastAt := map[int]int{}, map[[2]int]int{}
	take := func(now time.Duration) {
		_, list := p.Take(now)
		for _, it := range list {
			came[it]++
			switch {
			case it.timed && it.at+time.Duration(came[it]-1)*it.every > now:
				t.Fatalf("%+v came at %d for the %d. time", it, now, came[it])
			case it.every > 0:
			case it.timed:
				key := [2]int{it.poster, int(it.at)}
				if last, ok := lastAt[key]; ok && last > it.n {
					t.Fatalf("%+v came after number %d of the same time", it, last)
				}
				lastAt[key] = it.n
			default:
				if last, ok := lastPlain[it.poster]; ok && last >= it.n {
					t.Fatalf("%+v came after number %d", it, last)
				}
				lastPlain[it.poster] = it.n
			}
		}
	}
	now := time.Duration(0)
	for done := false; !done; {
		select {
		case <-all:
			done = true
		default:
		}
		take(now)
		if now < horizon/2 {
			now++
		}
	}
	for ; now < beats*horizon; now += horizon / 7 {
		take(now)
	}
	if len(came) != posters*each {
		t.Errorf("%d of %d came", len(came), posters*each)
	}
	for it, n := range came {
		if it.every == 0 && n != 1 || it.every > 0 && n < beats-1 {
			t.Errorf("%+v came %d times", it, n)
		}
	}
}

// BenchmarkPostAt measures posting and taking a task, next to a plain post.
func BenchmarkPostAt(b *testing.B) {
	for name, post := range map[string]func(p *Pump[int]){
		"plain": func(p *Pump[int]) { p.Post(1) },
		"task":  func(p *Pump[int]) { p.PostAt(1, 0, 0) },
	} {
		b.Run(name, func(b *testing.B) {
			p := newPump[int](b)
			for b.Loop() {
				post(p)
				p.Take(0)
			}
		})
	}
}
