package notify

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"syscall"
	"time"

	"jobsd/spawn"
)

// ended says how a command ended.
type ended struct {
	err       error // the command did not start
	exit      spawn.Exit
	late      bool   // it was stopped because it took too long
	immortal  bool   // it lives on after KILL
	printed   []byte // its first MaxPrinted bytes of standard output and standard error
	exhausted bool   // it did not start because processes, memory or descriptors ran out, so another attempt may work
}

// run runs a command with that text as its standard input, until it and its process group have ended. If ctx ends, the
// command is killed.
func (d *deliverer) run(ctx context.Context, m *Message, c spawn.Command, input []byte) ended {
	in, err := newInput(c.Credential, input)
	if err != nil {
		return ended{err: err, exhausted: true}
	}
	defer closeFD(&in)
	out, err := newOutput(c.Credential)
	if err != nil {
		return ended{err: err, exhausted: true}
	}
	defer out.close()
	c.Input, c.Output, c.Title = in, out.theirs, cmp.Or(c.Title, "jobsd:notify")
	ch, err := d.children.start(&c)
	closeFD(&in)
	closeFD(&out.theirs)
	if err != nil {
		return ended{err: err, exhausted: exhausted(err)}
	}
	defer ch.Close()
	if d.started != nil {
		d.started(m, ch.Process)
	}
	go out.read()
	e := d.wait(ctx, ch)
	if e.immortal {
		return e
	}
	d.endGroup(ctx, ch)
	e.printed = out.finish()
	if err := <-ch.ready; err != nil && !e.late {
		return ended{err: err, exhausted: exhausted(err)}
	}
	return e
}

// exhausted reports whether a start failed for a reason that passes.
func exhausted(err error) bool {
	var e *spawn.Error
	return errors.As(err, &e) && (e.Transient() || e.Busy())
}

// wait waits for the end of the leader.
func (d *deliverer) wait(ctx context.Context, ch *child) ended {
	limit := time.NewTimer(d.limits.command)
	defer limit.Stop()
	select {
	case x := <-ch.ended:
		return ended{exit: x}
	case <-limit.C:
	case <-ctx.Done():
	}
	if ctx.Err() == nil {
		spawn.SignalGroup(ch.Process, syscall.SIGTERM)
		select {
		case x := <-ch.ended:
			return ended{exit: x, late: true}
		case <-time.After(d.grace):
		case <-ctx.Done():
		}
	}
	spawn.SignalGroup(ch.Process, syscall.SIGKILL)
	select {
	case x := <-ch.ended:
		return ended{exit: x, late: true}
	case <-time.After(d.grace):
		return ended{late: true, immortal: true}
	}
}

// endGroup ends what the leader left running in its process group. A pipe or a background process of a script gets a
// moment to end by itself. Processes in a session of their own are left alone.
func (d *deliverer) endGroup(ctx context.Context, ch *child) {
	if d.groupEnds(ctx, ch, d.group) {
		return
	}
	if ctx.Err() == nil {
		spawn.SignalGroup(ch.Process, syscall.SIGTERM)
		if d.groupEnds(ctx, ch, d.grace) {
			return
		}
	}
	spawn.SignalGroup(ch.Process, syscall.SIGKILL)
	d.groupEnds(context.Background(), ch, d.grace)
}

// groupEnds reports whether the process group ends within that time. No system call waits for the end of a group.
func (d *deliverer) groupEnds(ctx context.Context, ch *child, limit time.Duration) bool {
	if spawn.GroupEmpty(ch.Process) {
		return true
	}
	end := time.After(limit)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if spawn.GroupEmpty(ch.Process) {
				return true
			}
		case <-end:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// failure says in words what is wrong with the end of a command, "" if nothing is.
func (e *ended) failure() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.immortal:
		return "timeout (it did not end after KILL)"
	case e.late && e.exit.Signal != 0:
		return "timeout (" + spawn.SignalName(e.exit.Signal) + ")"
	case e.late:
		return "timeout (exit code " + strconv.Itoa(e.exit.Code) + ")"
	case e.exit.Signal != 0:
		return "signaled " + spawn.SignalName(e.exit.Signal)
	case e.exit.Code != 0:
		return "exited " + strconv.Itoa(e.exit.Code)
	}
	return ""
}
