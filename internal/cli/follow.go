package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// followPoll is how often a log is looked at for more.
const followPoll = 200 * time.Millisecond

// follow prints the log from an offset on and goes on as it grows.
func (a *app) follow(l *jobLog, from int64) error {
	if err := l.print(a.out, from, l.to()); err != nil {
		return err
	}
	live, err := l.live()
	if err != nil {
		return err
	}
	for range time.Tick(followPoll) {
		if live, err = a.more(l, live); err != nil {
			return err
		}
	}
	return nil
}

// live returns the live file, positioned behind what has been printed; nil if there is none yet.
func (l *jobLog) live() (*os.File, error) {
	if l.empty() {
		return nil, nil
	}
	p := l.parts[len(l.parts)-1]
	_, err := p.file.Seek(p.to-p.from, io.SeekStart)
	return p.file, err
}

// more prints what has been added to the live file and returns the one to look at next time.
func (a *app) more(l *jobLog, live *os.File) (*os.File, error) {
	if live != nil {
		if _, err := io.Copy(a.out, live); err != nil {
			return nil, fmt.Errorf("cannot follow the log: %w", err)
		}
	}
	now, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return live, nil // between a rotation and the next run
	}
	if err != nil {
		return nil, fmt.Errorf("cannot follow the log: %w", err)
	}
	if live == nil {
		return l.reopen(nil)
	}
	before, err := live.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot follow the log: %w", err)
	}
	if !os.SameFile(before, now) {
		// It was renamed: the last words may have been written to it since we read.
		if _, err := io.Copy(a.out, live); err != nil {
			return nil, fmt.Errorf("cannot follow the log: %w", err)
		}
		return l.reopen(live)
	}
	return live, l.stepBack(live, now.Size())
}

func (l *jobLog) reopen(old *os.File) (*os.File, error) {
	if old != nil {
		old.Close()
	}
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

// stepBack moves with a file whose front was cut off: a file that is shorter than what we have read of it.
func (l *jobLog) stepBack(live *os.File, size int64) error {
	at, err := live.Seek(0, io.SeekCurrent)
	if err != nil || size >= at {
		return err
	}
	before := l.base
	if err := l.readJournal(); err != nil {
		return err
	}
	if at -= l.base - before; at < 0 || at > size {
		at = 0 // emptied by hand
	}
	_, err = live.Seek(at, io.SeekStart)
	return err
}
