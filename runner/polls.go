package runner

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// wait blocks until something happens or is due. No other function of the loop blocks.
func (l *loop) wait() error {
	if len(l.forks) > 0 || l.unreaped {
		l.refreshPolls()
		return l.poll(0)
	}
	w := l.core.Wait()
	if err := l.timer.arm(w.Wall); err != nil {
		return fmt.Errorf("cannot wait: %w", err)
	}
	if l.timer.stepped {
		l.timer.stepped = false
		l.refreshPolls()
		return l.poll(0)
	}
	d := w.For
	sooner := func(t time.Duration) {
		if t >= 0 && (d < 0 || t < d) {
			d = t
		}
	}
	if l.timer.fd < 0 && !w.Wall.IsZero() { // without a timer on the wall clock, the poll must end in time
		sooner(max(0, w.Wall.Sub(l.sys.now().Wall)))
	}
	if l.listens() {
		sooner(l.socket.Wait(l.sys.now().Mono))
	}
	sooner(l.candidateWait())
	sooner(l.recording.wait())
	sooner(l.delivering.wait())
	sooner(l.unsent.wait(l.sys.now().Mono))
	sooner(l.heartbeat.wait(l.sys.now().Mono))
	sooner(l.keepalive.wait(l.sys.now().Mono))
	if pollCap > 0 && (d < 0 || d > pollCap) {
		d = pollCap
	}
	l.refreshPolls()
	return l.poll(d)
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

// fixedPolls is how many descriptors come before those of processes: the pump, the timer, the recorder and the process
// that delivers notifications.
const fixedPolls = 4

func (l *loop) refreshPolls() {
	if l.repoll || l.polls == nil {
		l.pollProcesses()
	}
	l.polls = l.polls[:fixedPolls+len(l.polled)]
	l.polls[2], l.polls[3] = l.recording.poll(), l.delivering.poll()
	if l.listens() {
		l.polls = l.socket.Polls(l.sys.now().Mono, l.polls)
	}
}

func (l *loop) pollProcesses() {
	l.repoll = false
	l.polls = append(l.polls[:0], unix.PollFd{Fd: int32(l.pump.FD()), Events: unix.POLLIN},
		unix.PollFd{Fd: int32(l.timer.fd), Events: unix.POLLIN}, unix.PollFd{Fd: -1}, unix.PollFd{Fd: -1})
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
