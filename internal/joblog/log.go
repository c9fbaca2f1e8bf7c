package joblog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// Log is the log of a job over all its files, as it was when it was opened. Offsets count from the beginning of the
// oldest file.
type Log struct {
	path  string
	parts []part // the oldest first, the live one last if there is one
}

// part is one file, with the offsets of its first byte and of its end.
type part struct {
	file     *os.File
	inode    uint64
	from, to int64
}

// OpenLog opens the log with this live file for reading. It is no error if no file exists.
func OpenLog(path string) (*Log, error) {
	l := &Log{path: path}
	for n := 0; ; n++ {
		p, err := openPart(pathOf(path, n))
		if errors.Is(err, fs.ErrNotExist) {
			if n == 0 {
				continue
			}
			break
		}
		if err != nil {
			l.Close()
			return nil, err
		}
		// A rotation between two opens gives the same file again under its new name.
		if k := len(l.parts); k == 0 || l.parts[k-1].inode != p.inode {
			l.parts = append(l.parts, p)
		} else {
			p.file.Close()
		}
	}
	slices.Reverse(l.parts)
	at := int64(0)
	for i := range l.parts {
		p := &l.parts[i]
		p.from, p.to = at, at+p.to
		at = p.to
	}
	return l, nil
}

func pathOf(path string, n int) string {
	if n == 0 {
		return path
	}
	return Archive(path, n)
}

func openPart(path string) (part, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return part{}, fmt.Errorf("cannot open the log: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return part{}, fmt.Errorf("cannot open the log: %w", err)
	}
	return part{file: f, inode: inode(st), to: st.Size()}, nil
}

func inode(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// Close closes the files.
func (l *Log) Close() {
	for _, p := range l.parts {
		p.file.Close()
	}
}

// Empty reports whether there is no file.
func (l *Log) Empty() bool { return len(l.parts) == 0 }

// Size returns the offset of the end.
func (l *Log) Size() int64 {
	if l.Empty() {
		return 0
	}
	return l.parts[len(l.parts)-1].to
}

// Start returns the offset of the start marker of a run. It reports false if the marker is not there any more: its file
// was removed, emptied or replaced.
func (l *Log) Start(p Position, run uint64) (int64, bool) {
	at, ok := l.Offset(p)
	if !ok {
		return 0, false
	}
	want := fmt.Appendf(nil, "== run %d ", run)
	got := make([]byte, len(want))
	io.ReadFull(l.Reader(at, l.Size()), got)
	return at, bytes.Equal(got, want)
}

// Offset returns the offset of a position. It reports false if the file is gone or shorter.
func (l *Log) Offset(p Position) (int64, bool) {
	for _, part := range l.parts {
		if part.inode == p.Inode {
			return part.from + p.At, p.At <= part.to-part.from
		}
	}
	return 0, false
}

// Reader reads the bytes between two offsets.
func (l *Log) Reader(from, to int64) io.Reader {
	var readers []io.Reader
	for _, p := range l.parts {
		if a, b := max(from, p.from), min(to, p.to); a < b {
			readers = append(readers, io.NewSectionReader(p.file, a-p.from, b-a))
		}
	}
	return io.MultiReader(readers...)
}

// LastLines returns the offset at which the last n lines before to begin, but not one before from. It looks at no more
// of the log than it must.
func (l *Log) LastLines(from, to int64, n int) (int64, error) {
	const block = 64 << 10
	buf := make([]byte, block)
	for end := to; n > 0 && end > from; end -= block {
		start := max(from, end-block)
		text := buf[:end-start]
		if _, err := io.ReadFull(l.Reader(start, end), text); err != nil {
			return 0, fmt.Errorf("cannot read the log: %w", err)
		}
		for i := len(text) - 1; i >= 0; i-- {
			if text[i] != '\n' || start+int64(i) == to-1 {
				continue
			}
			if n--; n == 0 {
				return start + int64(i) + 1, nil
			}
		}
	}
	if n == 0 {
		return to, nil
	}
	return from, nil
}
