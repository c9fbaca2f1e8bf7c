package spawn

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkHerd starts 200 processes as fast as possible: with a bare ForkExec, as the daemon's own user, and as
// another user. It measures the time until the last process has become its program. The three variants take turns.
// The benchmark reports the median time of a start with ForkExec, and the ratios of the other variants to it.
func BenchmarkHerd(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root, to start processes of another user")
	}
	var floors, direct, user []time.Duration
	for b.Loop() {
		floors = append(floors, herd(b, bare))
		direct = append(direct, herd(b, func() (Process, *Handshake, error) { return Start(program("/bin/true")) }))
		user = append(user, herd(b, func() (Process, *Handshake, error) {
			return Start(with(program("/bin/true"), func(c *Command) { c.Credential = &Credential{UID: 12345, GID: 23456} }))
		}))
	}
	floor := median(floors)
	b.ReportMetric(0, "ns/op") // it would be the time of all three variants
	b.ReportMetric(float64(floor.Microseconds())/herdSize, "floor-us/start")
	b.ReportMetric(float64(median(direct))/float64(floor), "direct/floor")
	b.ReportMetric(float64(median(user))/float64(floor), "user/floor")
	b.ReportMetric(float64(median(user))/float64(median(direct)), "user/direct")
}

const herdSize = 200

func bare() (Process, *Handshake, error) {
	attr := &syscall.ProcAttr{Files: []uintptr{uintptr(null), uintptr(null), uintptr(null)}}
	pid, err := syscall.ForkExec("/bin/true", []string{"/bin/true"}, attr)
	return Process{PID: pid, FD: -1}, nil, err
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// herd returns the time until the last process of a herd has become its program, and reaps all of them.
func herd(b *testing.B, start func() (Process, *Handshake, error)) time.Duration {
	began := time.Now()
	polls := make([]unix.PollFd, 0, herdSize)
	shakes := map[int32]*Handshake{}
	for range herdSize {
		p, h, err := start()
		if err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		if h != nil {
			shakes[int32(h.FD())] = h
			polls = append(polls, unix.PollFd{Fd: int32(h.FD()), Events: unix.POLLIN})
		}
	}
	for left := len(polls); left > 0; {
		unix.Poll(polls, -1)
		for i := range polls {
			h := shakes[polls[i].Fd]
			if polls[i].Revents == 0 {
				continue
			}
			if done, err := h.Result(); err != nil {
				b.Fatal(err)
			} else if done {
				h.Close()
				polls[i].Fd = -1
				left--
			}
		}
	}
	took := time.Since(began)
	for range herdSize {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(-1, &status, 0, nil); err != nil || status != 0 {
			b.Fatal(status, err)
		}
	}
	return took
}
