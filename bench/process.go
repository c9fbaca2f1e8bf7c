package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a child of the benchmark. Whoever starts one must defer stop.
type process struct {
	name string
	cmd  *exec.Cmd
	end  syscall.Signal // asks it to end
	done chan struct{}

	mu    sync.Mutex
	lines []line // of its standard output and standard error
}

type line struct {
	at   time.Time
	text string
}

// launch starts a program in a process group of its own, so that Ctrl-C reaches only the benchmark, which then ends its
// children in the right order.
func launch(name string, end syscall.Signal, args ...string) (*process, error) {
	p := &process{name: name, end: end, cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Env = slices.DeleteFunc(p.cmd.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "JOBSD_") || strings.HasPrefix(v, "NOTIFY_SOCKET=")
	})
	p.cmd.WaitDelay = time.Second // for the output of what it leaves behind
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.read(r)
	go func() {
		p.cmd.Wait()
		w.Close()
		close(p.done)
	}()
	return p, nil
}

func (p *process) read(r io.Reader) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, line{time.Now(), scan.Text()})
		p.mu.Unlock()
	}
	io.Copy(io.Discard, r)
}

// wrote returns the first line from number n on that contains a text, and the number of the line after it.
func (p *process) wrote(n int, text string) (found line, next int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; n < len(p.lines); n++ {
		if strings.Contains(p.lines[n].text, text) {
			return p.lines[n], n + 1, true
		}
	}
	return line{}, n, false
}

// written returns the number of lines so far.
func (p *process) written() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

// waitLine waits for a line from number n on that contains a text.
func (w *bench) waitLine(p *process, n int, text string) (found line, err error) {
	err = w.await(fmt.Sprintf("%q in the output of %s", text, p.name), patience, func() (ok bool, err error) {
		ended := p.ended()
		if found, _, ok = p.wrote(n, text); ok || !ended {
			return ok, nil
		}
		return false, p.failure()
	})
	return found, err
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failure is the error about a process that has ended too early.
func (p *process) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last []string
	for _, l := range p.lines[max(0, len(p.lines)-5):] {
		last = append(last, l.text)
	}
	return errors.New(strings.TrimSpace(p.name + " has ended: " + strings.Join(last, "\n")))
}

// stop ends the process with its signal, then with the same signal again, which makes jobsd kill its jobs, and then with
// KILL. What is left of its process group gets KILL, too.
func (p *process) stop() {
	for _, sig := range []syscall.Signal{p.end, p.end, syscall.SIGKILL} {
		if p.ended() {
			break
		}
		p.cmd.Process.Signal(sig)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
		}
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}

func (p *process) pid() int { return p.cmd.Process.Pid }
