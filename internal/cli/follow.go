package cli

import (
	"io"
	"time"
)

// followPoll is the time between two looks at a log for more output.
const followPoll = 200 * time.Millisecond

// follow prints the log from an offset on, and continues as the log grows.
func (a *app) follow(l *jobLog, from int64, out io.Writer) error {
	f, err := l.Follow(from)
	if err != nil {
		return err
	}
	for {
		if err := f.More(out); err != nil {
			return err
		}
		time.Sleep(followPoll)
	}
}
