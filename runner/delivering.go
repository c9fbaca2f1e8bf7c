package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
	"jobsd/internal/notify"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

const (
	// deliverTime is how long the process that delivers notifications may take for a message. It has limits of its own,
	// which together are less than two thirds of this, so it is stuck if it takes longer.
	deliverTime = 3 * time.Minute
	// deliverEnd is how long that process may take to end and to kill its commands.
	deliverEnd = 5 * time.Second
	// deliverIdle is how long that process stays without a message, because the next one often follows soon.
	deliverIdle = 10 * time.Second
)

// heartbeatMessage is the number of the message that is a heartbeat. No notification has it.
const heartbeatMessage = 0

// delivering is the loop's side of the process that delivers notifications, see package notify. The process starts with
// a message and ends when none follows. It may die at any time: the core delivers a message without an answer again.
//
// The next process starts only after the previous one and its commands have ended, so that no command runs twice at the
// same time. Until then messages wait.
type delivering struct {
	handle func(core.Event)
	now    func() time.Duration // monotonic

	process spawn.Process // PID 0: there is none
	socket  int           // its standard input and output; -1: closed, so it ends
	end     time.Duration // without a socket: when the process is killed because it has not ended
	killed  bool
	out, in []byte
	sent    map[uint64]time.Duration // when the messages without an answer were sent
	running map[uint64]spawn.Process // the first processes of commands, by message
	idle    time.Duration            // since then there is no message without an answer
}

func newDelivering(handle func(core.Event), now func() time.Duration) *delivering {
	return &delivering{handle: handle, now: now, process: spawn.Process{FD: -1}, socket: -1, sent: map[uint64]time.Duration{},
		running: map[uint64]spawn.Process{}}
}

// send hands a message over.
func (d *delivering) send(m *notify.Message) {
	text, err := json.Marshal(m)
	if err == nil && d.process.PID == 0 {
		err = d.start()
	}
	if err != nil {
		d.result(notify.Result{Number: m.Number, Error: fmt.Sprintf("cannot start the process that delivers notifications: %v", err)})
		return
	}
	d.sent[m.Number] = d.now()
	d.out = append(append(d.out, text...), '\n')
	d.flush()
}

// start starts the process.
func (d *delivering) start() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fds[1])
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	if err = unix.SetNonblock(fds[0], true); err == nil {
		d.process, err = spawn.StartHelper([]string{"jobsd:deliver", notify.StageArg}, os.Environ(), fds[1], fds[1], 2)
	}
	if err != nil {
		d.process = spawn.Process{FD: -1}
		unix.Close(fds[0])
		return err
	}
	d.socket = fds[0]
	return nil
}

func (d *delivering) flush() {
	for len(d.out) > 0 && d.socket >= 0 {
		n, err := unix.Write(d.socket, d.out)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN || err == unix.ENOBUFS:
			return
		case err != nil: // its end tells what becomes of the messages
			d.out = nil
		default:
			d.out = d.out[n:]
		}
	}
}

func (d *delivering) poll() unix.PollFd {
	p := unix.PollFd{Fd: int32(d.socket), Events: unix.POLLIN}
	if len(d.out) > 0 {
		p.Events |= unix.POLLOUT
	}
	return p
}

// receive handles the answers.
func (d *delivering) receive() {
	d.flush()
	buf := make([]byte, 64<<10)
	for d.socket >= 0 {
		n, err := unix.Read(d.socket, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err != nil || n == 0:
			d.lost("it has ended")
			return
		}
		d.in = append(d.in, buf[:n]...)
		for {
			line, rest, ok := bytes.Cut(d.in, []byte("\n"))
			if !ok {
				break
			}
			d.in = rest
			if !d.answer(line) {
				d.lost("it gave an answer that makes no sense")
				return
			}
		}
		if len(d.in) > 1<<20 {
			d.lost("it gave an answer that does not end")
			return
		}
	}
}

func (d *delivering) answer(line []byte) bool {
	var r notify.Result
	if json.Unmarshal(line, &r) != nil {
		return false
	}
	if _, waits := d.sent[r.Number]; !waits {
		return true
	}
	if r.Leader != nil {
		known := spawn.Process{PID: r.Leader.PID, Inode: r.Leader.Inode, Start: r.Leader.Start}
		if p, alive := spawn.Adopt(known); alive {
			d.running[r.Number] = p
		}
		return true
	}
	delete(d.sent, r.Number)
	d.forget(r.Number)
	d.idle = d.now()
	d.result(r)
	return true
}

// result passes on what became of a message.
func (d *delivering) result(r notify.Result) {
	if r.Number == heartbeatMessage {
		if r.Error != "" {
			r.Error = "cannot send the heartbeat: " + r.Error
		}
		d.handle(core.Trouble{Part: "heartbeat", Text: r.Error})
		return
	}
	d.handle(core.Delivered{Number: r.Number, Error: r.Error, Final: r.Final, Output: r.Output})
}

// pending reports whether a message has no answer yet.
func (d *delivering) pending(number uint64) bool {
	_, ok := d.sent[number]
	return ok
}

// lost gives up the process. Its messages must be delivered again.
func (d *delivering) lost(why string) {
	d.close()
	d.failed(why)
}

// failed gives up all messages that were sent.
func (d *delivering) failed(why string) {
	for number := range d.sent {
		delete(d.sent, number)
		d.result(notify.Result{Number: number, Error: "the process that delivers notifications failed: " + why})
	}
}

// close makes the process end. It kills its commands and writes no more answers.
func (d *delivering) close() {
	unix.Close(d.socket)
	d.socket, d.out, d.in = -1, nil, nil
	d.end, d.killed = d.now()+deliverEnd, false
}

// reaped reports whether a child that ended was the process. Its last answers may still be in the socket.
func (d *delivering) reaped(x spawn.Exit) bool {
	if d.process.PID == 0 || x.PID != d.process.PID {
		return false
	}
	d.receive()
	if d.socket >= 0 {
		d.lost("it has ended")
	}
	d.ended()
	return true
}

// ended follows the end of the process: the messages that waited for it go to the next one. Usually no command is left
// then, but the process may have been killed.
func (d *delivering) ended() {
	d.process.Close()
	d.process = spawn.Process{FD: -1}
	for number, p := range d.running {
		spawn.SignalGroup(p, syscall.SIGKILL)
		d.forget(number)
	}
	if len(d.sent) == 0 {
		return
	}
	if err := d.start(); err != nil {
		d.out = nil
		d.failed(err.Error())
		return
	}
	d.flush()
}

// forget forgets the command of a message.
func (d *delivering) forget(number uint64) {
	if p, ok := d.running[number]; ok {
		p.Close()
		delete(d.running, number)
	}
}

// finish ends the process when the loop has ended, and waits for that, so that the next daemon cannot start a command
// that still runs. A process that does not end in time is killed.
func (d *delivering) finish() {
	if d.process.PID == 0 {
		return
	}
	if d.socket >= 0 {
		d.close()
	}
	if !d.await(deliverEnd) {
		spawn.SignalLeader(d.process, syscall.SIGKILL)
		d.await(deliverEnd)
	}
	clear(d.sent)
	d.ended()
}

// await reports whether the process ends within that time. Without a pidfd there is nothing to wait for.
func (d *delivering) await(limit time.Duration) bool {
	for end := readClocks().Mono + limit; d.process.FD >= 0; {
		fds := []unix.PollFd{{Fd: int32(d.process.FD), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(max(0, end-readClocks().Mono)/time.Millisecond))
		if err != unix.EINTR {
			return n > 0
		}
	}
	return false
}

// wait returns how long the loop may wait before the process must be looked at, or a negative time.
func (d *delivering) wait() time.Duration {
	if d.process.PID == 0 {
		return -1
	}
	if d.socket < 0 {
		return max(0, d.end-d.now())
	}
	if len(d.sent) == 0 {
		return max(0, d.idle+deliverIdle-d.now())
	}
	return max(0, d.oldest()+deliverTime-d.now())
}

// oldest returns when the oldest message without an answer was sent.
func (d *delivering) oldest() time.Duration {
	oldest := d.now()
	for _, at := range d.sent {
		oldest = min(oldest, at)
	}
	return oldest
}

// expire ends a process that has nothing to do or that is stuck.
func (d *delivering) expire() {
	switch {
	case d.wait() != 0:
	case d.socket < 0 && !d.killed:
		spawn.SignalLeader(d.process, syscall.SIGKILL)
		d.end, d.killed = d.now()+deliverEnd, true
	case d.socket < 0: // nothing ends it, so it does not count any more
		d.ended()
	case len(d.sent) == 0:
		d.close()
	default:
		d.lost("it gave no answer in time")
	}
}

// deliver sends a message of the core.
func (l *loop) deliver(e core.Deliver) {
	defer l.rescue(e)
	l.delivering.send(l.message(e))
}

// eventID identifies an event for receivers. Its number alone is not unique: the count goes back if a full disk or
// damage loses the end of the journal.
func (l *loop) eventID(o *statefile.Notification) string {
	return fmt.Sprintf("%s-%s-%d", l.core.ID(), strconv.FormatInt(o.At.Time().UnixMilli(), 36), o.ID)
}

// message completes a message of the core with what only the shell knows. Its ID is that of its last event.
func (l *loop) message(e core.Deliver) *notify.Message {
	m := &notify.Message{Number: e.Number, Host: e.Host}
	for _, o := range e.Events {
		event := notify.Event{Notification: o.Notification, Description: o.Description, ID: l.eventID(&o.Notification)}
		m.ID = event.ID
		if o.Run != nil && o.Kind != "start" {
			event.Output = &notify.Output{Log: joblog.Path(l.o.Dirs.Log, o.Job), Run: o.Run.Run, Place: o.Run.Output}
		}
		m.Events = append(m.Events, event)
	}
	with := l.launcher()
	switch {
	case e.Command != nil:
		m.Command = with.notifier(e.Job, e.Command)
	case e.Target == nil:
		m.Mail = with.mail(e.Sendmail, e.From, e.Mail)
	default:
		with.address(m, e.Target, e.Sendmail, e.From)
	}
	return m
}
