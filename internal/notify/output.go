package notify

import (
	"context"
	"errors"
	"fmt"

	"jobsd/internal/joblog"
)

// Sizes of the end of a run's output in bytes.
const (
	maxTail  = 8 << 10  // in a mail or a request: enough for the error, but not too much for a mailbox or a phone
	maxInput = 64 << 10 // for a command
)

// tail is the end of the output of a run.
type tail struct {
	text []byte
	cut  bool  // there is more before it
	err  error // there is no text because of this
}

var (
	errNoOutput = errors.New("jobsd has no output of it")
	errHungDisk = errors.New("jobsd cannot read its output: the disk does not answer")
)

// tail reads the end of the output of an event's run, at most size bytes. nil: the event has no output to show. It waits
// for a disk only until ctx ends.
func (d *deliverer) tail(ctx context.Context, e *Event, size int64) *tail {
	o := e.Output
	switch {
	case o == nil, o.Place == nil && o.Gone == "" && e.Run != nil && e.Run.Outcome == "": // it has not ended
		return nil
	case o.Gone != "":
		return &tail{err: fmt.Errorf("%w: %s", errNoOutput, o.Gone)}
	case o.Place == nil:
		return &tail{err: errNoOutput}
	case ctx.Err() != nil: // an earlier event of the message has used up the time
		return &tail{err: errHungDisk}
	}
	read := within(ctx, func() tail {
		text, cut, err := joblog.Tail(o.Log, o.Run, *o.Place, size)
		switch {
		case errors.Is(err, joblog.ErrStdout):
			err = fmt.Errorf("%w: %w", errNoOutput, err)
		case err != nil:
			err = fmt.Errorf("jobsd cannot read its output: %w", err)
		}
		return tail{text, cut, err}
	})
	if read == nil {
		return &tail{err: errHungDisk}
	}
	return read
}
