package runner

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
)

// nearby is how near the next deadline of the monotonic clock must be to wait for it in the poll. Such deadlines come
// and go with each run, and a timer would cost a system call each time.
const nearby = time.Second

// wait blocks until something happens or is due. No other function of the loop blocks.
func (l *loop) wait() error {
	var d time.Duration
	if len(l.forks) == 0 && !l.unreaped && l.due == 0 && !l.checkpoint {
		var err error
		if d, err = l.arm(); err != nil {
			return fmt.Errorf("cannot wait: %w", err)
		}
	}
	l.refreshPolls()
	return l.poll(d)
}

// arm sets the timers to the next deadlines. It returns how long the poll may wait beside them; a negative time is
// without limit.
//
// The timeout of poll(2) stands still while the daemon is stopped or frozen and while the machine sleeps. The timers do
// not, because their deadlines are absolute.
func (l *loop) arm() (time.Duration, error) {
	w := l.core.Wait()
	if err := l.timer.arm(w.Wall); err != nil {
		return 0, err
	}
	if l.timer.stepped {
		l.timer.stepped = false
		return 0, nil
	}
	now := l.sys.now()
	d := l.untilNext(w, now)
	if l.bootTimer.fd < 0 {
		return capped(sooner(d, untilBoot(w, now))), nil
	}
	far := core.Never
	if d >= nearby {
		far, d = now.Boot+d, -1
	}
	return capped(d), l.bootTimer.arm(w.Boot, far)
}

// untilNext returns how long until the next deadline that no timer can wait for as it is, or a negative time if there is
// none.
func (l *loop) untilNext(w core.Wait, now core.Now) time.Duration {
	d := w.For
	if l.timer.fd < 0 && !w.Wall.IsZero() {
		d = sooner(d, max(0, w.Wall.Sub(now.Wall)))
	}
	if l.listens() {
		d = sooner(d, l.socket.Wait(now.Mono))
	}
	d = sooner(d, l.prestartWait(w, now))
	d = sooner(d, l.candidateWait())
	d = sooner(d, l.recording.wait())
	d = sooner(d, l.keepWait(now.Mono))
	d = sooner(d, l.delivering.wait())
	d = sooner(d, l.unsent.wait(now.Mono))
	d = sooner(d, l.heartbeat.wait(now.Mono))
	d = sooner(d, l.tidyWait(now.Mono))
	return sooner(d, l.keepalive.wait(now.Mono))
}

func untilBoot(w core.Wait, now core.Now) time.Duration {
	if w.Boot == core.Never {
		return -1
	}
	return max(0, w.Boot-now.Boot)
}

// sooner returns the shorter of two waits. Negative ones have no end.
func sooner(a, b time.Duration) time.Duration {
	if b >= 0 && (a < 0 || b < a) {
		return b
	}
	return a
}

// capped limits a wait to the longest time of one poll.
func capped(d time.Duration) time.Duration {
	if pollCap > 0 {
		return sooner(d, pollCap)
	}
	return d
}

// poll waits at most d, or without limit if d is negative.
func (l *loop) poll(d time.Duration) error {
	ms := -1
	if d >= 0 {
		ms = int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	for i := range l.polls {
		l.polls[i].Revents = 0
	}
	_, err := unix.Poll(l.polls, ms)
	if err != nil && err != unix.EINTR && err != unix.EAGAIN {
		return fmt.Errorf("cannot poll: %w", err)
	}
	return nil
}

// The first descriptors of the poll set. Those of processes follow.
const (
	pumpPoll = iota
	wallPoll
	bootPoll
	recorderPoll
	delivererPoll
	fixedPolls
)

func (l *loop) refreshPolls() {
	if l.repoll || l.polls == nil {
		l.pollProcesses()
	}
	l.polls = l.polls[:fixedPolls+len(l.polled)]
	l.polls[bootPoll].Fd = int32(l.bootTimer.fd) // it is closed where it does not work
	l.polls[recorderPoll], l.polls[delivererPoll] = l.recording.poll(), l.delivering.poll()
	if l.listens() {
		l.polls = l.socket.Polls(l.sys.now().Mono, l.polls)
	}
}

func (l *loop) pollProcesses() {
	l.repoll = false
	l.polls = append(l.polls[:0], make([]unix.PollFd, fixedPolls)...)
	for i, fd := range []int{pumpPoll: l.pump.FD(), wallPoll: l.timer.fd, bootPoll: l.bootTimer.fd} {
		l.polls[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	l.polled = l.polled[:0]
	_, known := l.core.Ready()
	for _, p := range l.byRun {
		fd, events := -1, int16(unix.POLLIN)
		switch {
		case p.handshake != nil:
			fd = p.handshake.FD()
		case p.adopted && known: // the definition of its job decides whether it failed
			fd = p.FD
			switch {
			case p.zombie: // the hang-up comes anyway
				events = 0
			case p.leaderless:
				events = unix.POLLPRI
			}
		default:
			continue
		}
		l.polled = append(l.polled, p)
		l.polls = append(l.polls, unix.PollFd{Fd: int32(fd), Events: events})
	}
}
