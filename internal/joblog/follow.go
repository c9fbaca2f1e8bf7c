package joblog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Follower reads a log as it grows.
type Follower struct {
	path string
	file *os.File // nil: there was no file yet
}

// Follow returns a Follower that begins at an offset. It uses the files of the Log, which must stay open.
func (l *Log) Follow(from int64) (*Follower, error) {
	f := &Follower{path: l.path}
	for _, p := range l.parts {
		if from <= p.to {
			f.file = p.file
			_, err := p.file.Seek(max(0, from-p.from), io.SeekStart)
			return f, err
		}
	}
	return f, nil
}

// More copies what has been added since the last call to w. It continues in the next file after a rotation.
func (f *Follower) More(w io.Writer) error {
	for {
		if f.file != nil {
			if err := f.copy(w); err != nil {
				return err
			}
		}
		next, err := f.next()
		if err != nil || next == nil {
			return err
		}
		if f.file != nil { // a last write may have come before the rotation
			if err := f.copy(w); err != nil {
				return err
			}
		}
		f.file = next
	}
}

func (f *Follower) copy(w io.Writer) error {
	st, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("cannot follow the log: %w", err)
	}
	at, err := f.file.Seek(0, io.SeekCurrent)
	if err == nil && st.Size() < at { // somebody has emptied it
		_, err = f.file.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(w, f.file)
	}
	if err != nil {
		return fmt.Errorf("cannot follow the log: %w", err)
	}
	return nil
}

// next opens the file after the one that is read now, nil if that one is the live file.
func (f *Follower) next() (*os.File, error) {
	if f.file == nil {
		return open1(f.path)
	}
	mine, err := f.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot follow the log: %w", err)
	}
	const tries = 100 // while others rotate the log
	for try := 1; ; try++ {
		n := f.number(mine)
		if n == 0 {
			return nil, nil
		}
		if n < 0 && try < tries {
			continue
		}
		if n < 0 { // it was removed, and so were perhaps others after it
			return open1(f.path)
		}
		next, err := open1(pathOf(f.path, n-1))
		for k := n - 2; try == tries && next == nil && err == nil && k >= 0; k-- { // somebody has removed that one
			next, err = open1(pathOf(f.path, k))
		}
		// A rotation in between gives this name to a later file. It renames the oldest file first.
		if err != nil || try == tries || next != nil && isAt(pathOf(f.path, n), mine) {
			return next, err
		}
		if next != nil {
			next.Close()
		}
	}
}

// number returns the number of the file that is read now, 0 for the live one, -1 if it is gone. In a rotation, one number
// is missing for a moment.
func (f *Follower) number(mine fs.FileInfo) int {
	missing := 0
	for n := 0; missing < 2; n++ {
		switch st, err := os.Lstat(pathOf(f.path, n)); {
		case err == nil && os.SameFile(st, mine):
			return n
		case err == nil:
			missing = 0
		case n > 0:
			missing++
		}
	}
	return -1
}

func isAt(path string, file fs.FileInfo) bool {
	st, err := os.Lstat(path)
	return err == nil && os.SameFile(st, file)
}

// open1 opens a file, nil if there is none.
func open1(path string) (*os.File, error) {
	p, err := openPart(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return p.file, err
}
