package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// followPoll is the time between two looks at a log for more output.
const followPoll = 200 * time.Millisecond

// follow prints the log from an offset on, and continues as the log grows.
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

// live returns the live file, positioned after the printed part; nil if there is no file yet.
func (l *jobLog) live() (*os.File, error) {
	if l.empty() {
		return nil, nil
	}
	p := l.parts[len(l.parts)-1]
	_, err := p.file.Seek(p.to-p.from, io.SeekStart)
	return p.file, err
}

// more prints what was added to the live file, and returns the file for the next call.
func (a *app) more(l *jobLog, live *os.File) (*os.File, error) {
	now, err := os.Stat(l.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot follow the log: %w", err)
	}
	gone := err != nil // a rotation has renamed the file and no run has made a new one
	if live == nil {
		return l.reopen(nil)
	}
	before, err := live.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot follow the log: %w", err)
	}
	if gone || !os.SameFile(before, now) { // the file was renamed; the job may have written to it since the last read
		if _, err := io.Copy(a.out, live); err != nil {
			return nil, fmt.Errorf("cannot follow the log: %w", err)
		}
		if gone {
			return live, nil
		}
		return l.reopen(live)
	}
	return live, l.copyLive(a.out, live)
}

// copyLive prints the live file to its end. The daemon may move the front of the file to an archive at any moment, so
// copyLive prints what it read only if that has not happened in the meantime.
func (l *jobLog) copyLive(w io.Writer, live *os.File) error {
	buf := make([]byte, 64<<10)
	for {
		info, err := live.Stat()
		if err == nil {
			err = l.stepBack(w, live, info.Size())
		}
		if err != nil {
			return err
		}
		n, err := live.Read(buf)
		if n == 0 || err != nil && err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		if first, err := os.Stat(l.archive(1)); err == nil && (l.newest == nil || !os.SameFile(first, l.newest)) {
			if _, err := live.Seek(int64(-n), io.SeekCurrent); err != nil {
				return err
			}
			continue
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return fmt.Errorf("cannot follow the log: %w", err)
		}
	}
}

func (l *jobLog) reopen(old *os.File) (*os.File, error) {
	if old != nil {
		old.Close()
	}
	l.newest, _ = os.Stat(l.archive(1))
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

// stepBack corrects the offset if the front of the file was moved to an archive since the last look, and prints the part
// that was moved before it was read. If nothing was moved and the file is shorter than the offset, somebody has emptied it.
func (l *jobLog) stepBack(w io.Writer, live *os.File, size int64) error {
	at, err := live.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	cut, err := l.printCut(w, at)
	if err != nil {
		return err
	}
	if cut == 0 && size >= at {
		return nil
	}
	if at = max(0, at-cut); at > size {
		at = 0
	}
	_, err = live.Seek(at, io.SeekStart)
	return err
}

// printCut prints the part after an offset of the live file that has moved to new archives since the last look. It returns
// the size of these archives.
func (l *jobLog) printCut(w io.Writer, at int64) (cut int64, err error) {
	var sizes []int64
	known := l.newest
	for n := 1; ; n++ {
		info, err := os.Stat(l.archive(n))
		if err != nil || known != nil && os.SameFile(info, known) {
			break
		}
		if n == 1 {
			l.newest = info
		}
		sizes = append(sizes, info.Size())
		cut += info.Size()
	}
	for n, from := len(sizes), int64(0); n > 0; n-- { // the oldest first
		size := sizes[n-1]
		if skip := max(0, at-from); skip < size {
			if err := copyFrom(w, l.archive(n), skip, size); err != nil {
				return 0, fmt.Errorf("cannot follow the log: %w", err)
			}
		}
		from += size
	}
	return cut, nil
}

func (l *jobLog) archive(n int) string { return fmt.Sprintf("%s.%d", l.path, n) }

// copyFrom prints the bytes of a file from one offset to before the other.
func copyFrom(w io.Writer, path string, from, to int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err = io.CopyN(w, f, to-from)
	if err == io.EOF {
		return errors.New("the log is rotated faster than it can be read")
	}
	return err
}
