package notify

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"jobsd/spawn"
)

// maxAtOnce is how many messages are delivered at the same time. It is more than the core and the heartbeat send, so no
// message waits for another one.
const maxAtOnce = 128

// limits are times that a delivery may take. Tests shorten them. Together they stay far below the time after which the
// daemon replaces a process without an answer.
type limits struct {
	command time.Duration // from the start of a command to TERM
	grace   time.Duration // from TERM to KILL, and from KILL to the end of the wait
	group   time.Duration // for what a command left running in its process group
	http    time.Duration // for one request
	message time.Duration // for all requests of a message
	log     time.Duration // to read the output of all runs of a message
	last    time.Duration // after SIGTERM, for deliveries that are in progress
}

var usual = limits{command: time.Minute, grace: 5 * time.Second, group: time.Second, http: 10 * time.Second,
	message: 100 * time.Second, log: 10 * time.Second, last: 5 * time.Second}

// deliverer is the process that delivers messages.
type deliverer struct {
	limits
	children *children
	client   client
	slots    chan struct{}
	started  func(m *Message, p spawn.Process) // reports that a command of the message has started; nil: nobody asks
}

// Serve reads messages from in, one JSON document on each line, delivers them, and writes a Result for each to out, in
// the order in which the deliveries end. Before that, it writes one for each command that has started. After SIGTERM it
// finishes deliveries for a few seconds. Then, and at the end of the input, it kills the commands that still run, and
// returns. It then writes no results for what it interrupted. At the end of the input there is no time to finish: nobody
// reads the results, and another daemon may soon run the same commands again.
//
// It must have the process for itself: it reaps all children. version is the version of this program, for receivers.
func Serve(in io.Reader, out io.Writer, version string) error {
	d, err := newDeliverer(usual, version)
	if err != nil {
		return err
	}
	defer d.children.close()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	defer signal.Stop(term)
	// Somebody may send HUP and INT to all processes of the service. These signals are caught, not ignored, because
	// commands would inherit that a signal is ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGHUP, syscall.SIGINT)
	return d.serve(in, out, term)
}

func newDeliverer(l limits, version string) (*deliverer, error) {
	c, err := newChildren()
	if err != nil {
		return nil, err
	}
	return &deliverer{limits: l, children: c, client: newClient(version), slots: make(chan struct{}, maxAtOnce)}, nil
}

func (d *deliverer) serve(in io.Reader, out io.Writer, term <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	messages, read := make(chan *Message), make(chan error, 1)
	go func() { read <- readMessages(ctx, in, messages) }()
	results := make(chan Result)
	d.started = func(m *Message, p spawn.Process) {
		results <- Result{Number: m.Number, Leader: &Leader{p.PID, p.Inode, p.Start}}
	}
	var busy sync.WaitGroup
	enc := json.NewEncoder(out)
	var err error
	last := time.Duration(0)
	for done := false; !done; {
		select {
		case m := <-messages:
			busy.Go(func() { d.answer(ctx, m, results) })
		case r := <-results:
			if err = enc.Encode(r); err != nil { // nothing reads results, so these messages are delivered again later
				err = fmt.Errorf("cannot write a result: %w", err)
				done = true
			}
		case err = <-read:
			done = true
		case <-term:
			done, last = true, d.last
		}
	}
	return cmp.Or(err, d.finish(last, enc, results, &busy, cancel))
}

// finish writes the results of deliveries that end within that time, and interrupts the others.
func (d *deliverer) finish(within time.Duration, enc *json.Encoder, results <-chan Result, busy *sync.WaitGroup, interrupt func()) error {
	ended := make(chan struct{})
	go func() {
		busy.Wait()
		close(ended)
	}()
	var last, killed <-chan time.Time
	stop := func() {
		interrupt()
		last, killed = nil, time.After(d.grace)
	}
	if last = time.After(within); within == 0 {
		stop()
	}
	var err error
	for {
		select {
		case r := <-results:
			if err == nil && last != nil {
				err = enc.Encode(r)
			}
		case <-ended:
			return err
		case <-last:
			stop()
		case <-killed: // a process or a disk does not react even to KILL
			return err
		}
	}
}

// readMessages passes on every message until the input ends.
func readMessages(ctx context.Context, in io.Reader, messages chan<- *Message) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 && line[len(line)-1] == '\n' { // a line without its end is a message that was cut
			m := new(Message)
			if err := json.Unmarshal(line, m); err != nil {
				return fmt.Errorf("cannot understand a message: %w", err)
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read messages: %w", err)
		}
	}
}

// answer delivers a message and sends its result.
func (d *deliverer) answer(ctx context.Context, m *Message, results chan<- Result) {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-d.slots }()
	r := d.deliver(ctx, m)
	if ctx.Err() != nil {
		return // interrupted, so the result says nothing about the receiver
	}
	r.Number = m.Number
	results <- r
}

// deliver delivers a message. A bug that one message meets must not keep the others from being delivered.
func (d *deliverer) deliver(ctx context.Context, m *Message) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "jobsd deliver: internal error: %v\n%s", p, debug.Stack())
			r = Result{Error: "internal error in the delivery, see the log of the daemon"}
		}
	}()
	switch {
	case len(m.Events) == 0 && (m.HTTP == nil || m.HTTP.Preset != Heartbeat):
		return Result{Error: "internal error: the message has no event", Final: true}
	case m.Mail != nil:
		return d.mail(ctx, m)
	case m.HTTP != nil:
		return d.http(ctx, m)
	case m.Command != nil:
		return d.command(ctx, m)
	}
	return Result{Error: "internal error: the message has no receiver", Final: true}
}
