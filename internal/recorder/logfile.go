package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// logFile is the log of a job. Nobody else should write to it, but somebody may rename, empty or remove it at any time.
// So it is opened for each write, which also finds the file that is there now.
type logFile struct {
	Log
	job     string
	runs    map[*run]bool   // that use it
	end     joblog.Position // of the last write
	midline bool            // the line that ends there is unfinished
	// trouble is why its output cannot be written and is discarded; "": it can be written.
	trouble string
}

// noFile is the inode of output that goes to no file. It says that a marker is written.
const noFile = 1

// put writes text, a part of the arena, to a log. If the disk is full, the recorder is stuck until it can complete the
// write.
func (s *server) put(r *run, l *logFile, text []byte, w *write) {
	if r != nil {
		w.slot = uint64(r.slot) + 1
	}
	w.maxSize, w.keep = l.MaxSize, int64(l.Keep)
	w.pathLen = uint64(copy(w.path[:], l.Path))
	w.off = s.arena.offset(text)
	w.next, w.end = w.off, w.off+int64(len(text))
	if l.Path == "" {
		w.inode = noFile
		s.arena.begin(w)
		s.complete(w, nil)
		return
	}
	if len(l.Path) >= pathSize { // the kernel takes none that long
		err := &fs.PathError{Op: "open", Path: l.Path, Err: unix.ENAMETOOLONG}
		s.arena.begin(w)
		s.complainOf(l, err)
		s.complete(w, err)
		return
	}
	f, err := s.aim(w)
	s.arena.begin(w)
	s.carryOut(f, 0, err)
}

// continues reports whether the log ends with the unfinished line of a run. Otherwise something else stands behind it,
// or the file is another one, and what comes next of the run begins a line.
func (s *server) continues(r *run) bool {
	slot := s.arena.slot(r.slot)
	if slot.line == 0 || r.log.Path == "" {
		return slot.line > 0
	}
	var st unix.Stat_t
	return unix.Lstat(r.log.Path, &st) == nil && st.Ino == slot.lineIn && st.Size == slot.lineAt
}

// continueLine says that the text of a write continues the unfinished line of a run.
func (w *write) continueLine(s *slot) { w.afterInode, w.after = s.lineIn, s.lineAt }

// aim opens the log for a write and decides which part of the text goes to this file: what fits, but at least a line. If
// not even a line fits, it begins a new file, unless the text continues the last line of this one. If the file ends
// with an unfinished line that the text does not continue, aim ends this line.
func (s *server) aim(w *write) (joblog.File, error) {
	f, err := joblog.Open(w.file(), s.settings.Group)
	if err != nil {
		return f, err
	}
	continues := w.afterInode > 0 && w.afterInode == f.Inode && w.after == f.Size
	if !continues && s.unfinished(w, f) {
		if err := writeAll(f.FD, []byte("\n")); err != nil {
			f.Close()
			return f, err
		}
		f.Size++
		step("newline")
	}
	text := s.arena.mem[w.off:w.end]
	line := bytes.IndexByte(text, '\n') + 1
	if line == 0 || w.first > 0 && w.last > 0 { // only one file can have the start and the end of a run that is written at once
		line = len(text)
	}
	if w.maxSize > 0 && f.Size > 0 && f.Size+int64(line) > w.maxSize && !continues {
		f.Close()
		if err := joblog.Rotate(w.file(), int(w.keep)); err != nil {
			s.complain(w, err) // it continues in the same file, because output matters more than its size
		}
		step("rotated")
		if f, err = joblog.Open(w.file(), s.settings.Group); err != nil {
			return f, err
		}
		step("opened")
	}
	size := len(text)
	if room := max(w.maxSize-f.Size, int64(line)); w.maxSize > 0 && room < int64(size) {
		size = max(line, bytes.LastIndexByte(text[:room], '\n')+1)
	}
	w.inode, w.at, w.next = f.Inode, f.Size, w.off+int64(size)
	return f, nil
}

// unfinished reports whether the last line of the file of a write lacks its end.
func (s *server) unfinished(w *write, f joblog.File) bool {
	if l := s.logs[w.file()]; l != nil && l.end == (joblog.Position{Inode: f.Inode, At: f.Size}) {
		return l.midline
	}
	return f.Unfinished(w.file())
}

func (w *write) file() string { return string(w.path[:w.pathLen]) }

// resume continues the current write: the disk may have room again, or an earlier recorder was killed.
func (s *server) resume() {
	s.stuck = s.taking
	switch w := s.arena.current(); {
	case w == nil:
	case w.pathLen == 0:
		s.complete(w, nil)
	default:
		f, written, err := s.find(w)
		s.carryOut(f, written, err)
	}
}

// find opens the file of the current write, whatever its name is now, and returns how much of the part for this file
// is in it.
func (s *server) find(w *write) (f joblog.File, written int64, err error) {
	for n := 0; w.inode != 0; n++ {
		path := w.file()
		if n > 0 {
			path = joblog.Archive(path, n)
		}
		var st unix.Stat_t
		err := unix.Lstat(path, &st)
		if err == unix.ENOENT && n > 0 {
			break
		}
		if err != nil && err != unix.ENOENT {
			return joblog.File{FD: -1}, 0, fmt.Errorf("cannot open log: %w", &fs.PathError{Op: "stat", Path: path, Err: err})
		}
		if err != nil || st.Ino != w.inode {
			continue
		}
		f, err := joblog.Open(path, s.settings.Group)
		if err != nil {
			return f, 0, err
		}
		if f.Size < w.at { // somebody emptied it, or it is another file that got the same inode
			f.Close()
			break
		}
		return f, min(f.Size-w.at, w.next-w.off), nil
	}
	// The file is not known yet, or is gone with what was written.
	again := *w
	again.inode, again.at, again.next = 0, 0, w.off
	if f, err = s.aim(&again); err == nil {
		s.arena.begin(&again)
	}
	return f, 0, err
}

// carryOut carries out the current write, of which the first bytes may be in the file already. With an error, or if the
// disk is full, the recorder is stuck.
func (s *server) carryOut(f joblog.File, written int64, err error) {
	for {
		w := s.arena.current()
		if err == nil {
			err = writeAll(f.FD, s.arena.mem[w.off+written:w.next])
			step("written")
			f.Close()
		}
		if passes(err) {
			s.stick(err)
			return
		}
		if s.complain(w, err); err != nil {
			s.complete(w, err)
			return
		}
		s.wrote(w)
		if w.next == w.end {
			s.complete(w, nil)
			return
		}
		next := *w
		next.off, next.inode, next.at, written = w.next, 0, 0, 0
		f, err = s.aim(&next)
		s.arena.begin(&next)
	}
}

// wrote notes where a log ends after a part of a write.
func (s *server) wrote(w *write) {
	if l := s.logs[w.file()]; l != nil && w.next > w.off {
		l.end = joblog.Position{Inode: w.inode, At: w.at + w.next - w.off}
		l.midline = s.arena.mem[w.next-1] != '\n'
	}
}

// writeAtOnce limits a write. Only a test changes it, to end the recorder in the middle of a text.
var writeAtOnce = 1 << 30

func writeAll(fd int, text []byte) error {
	for len(text) > 0 {
		n, err := unix.Write(fd, text[:min(len(text), writeAtOnce)])
		if err != nil && err != unix.EINTR {
			return err
		}
		text = text[max(n, 0):]
		step("writing")
	}
	return nil
}

// passes reports whether an error will pass without somebody who mends it: runs then wait rather than lose output.
func passes(err error) bool {
	return slices.ContainsFunc([]error{unix.ENOSPC, unix.EDQUOT, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN},
		func(e error) bool { return errors.Is(err, e) })
}
