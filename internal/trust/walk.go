package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// linksMost is how many symbolic links a path may lead through, as path_resolution(7) has it.
const linksMost = 40

// Walk follows an absolute path from the root directory on, through symbolic links, and returns where it leads. All on
// the way must be trusted: each directory, and what stands in a directory where others can make files. What the path
// leads to may be anything and is not judged beyond that: open it with O_NOFOLLOW and ask Fault.
//
// It goes by names, and names can be moved, but not by others: whatever a name stands in has been judged before the name
// is looked at.
func (j *Judge) Walk(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s: is not an absolute path", plain.Word(path))
	}
	w := &walk{judge: j}
	return w.from("/", path)
}

// WalkIn does the same for a name in a directory that is trusted already, however the way to it may be. The path of the
// directory must lead through no link. Links that leave it are followed from the root directory on.
func (j *Judge) WalkIn(dir, name string) (string, error) {
	w := &walk{judge: j}
	return w.on(dir, name, false)
}

type walk struct {
	judge *Judge
	links int
}

// from begins at the root directory, which is judged as all others.
func (w *walk) from(at, path string) (string, error) {
	var st unix.Stat_t
	if err := lstat(at, &st); err != nil {
		return "", err
	}
	open, err := w.enter(&st, at)
	if err != nil {
		return "", err
	}
	return w.on(at, path, open)
}

// on goes on from a directory that was judged. Open tells that others can make files in it, but not move those of root
// and the judge's user.
func (w *walk) on(at, rest string, open bool) (string, error) {
	for {
		var name string
		name, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		switch name {
		case "":
			return at, nil
		case ".":
			continue
		case "..":
			return w.from("/", filepath.Dir(at)+"/"+rest)
		}
		next := filepath.Join(at, name)
		var st unix.Stat_t
		if err := lstat(next, &st); err != nil {
			return "", err
		}
		if open {
			if err := w.planted(&st, next); err != nil {
				return "", err
			}
		}
		switch mode := uint32(st.Mode) & unix.S_IFMT; {
		case mode == unix.S_IFLNK:
			target, err := w.follow(next)
			if err != nil {
				return "", err
			}
			if filepath.IsAbs(target) {
				return w.from("/", target+"/"+rest)
			}
			rest = target + "/" + rest
		case strings.Trim(rest, "/") == "":
			return next, nil
		case mode != unix.S_IFDIR:
			return "", &fs.PathError{Op: "open", Path: next, Err: unix.ENOTDIR}
		default:
			var err error
			if open, err = w.enter(&st, next); err != nil {
				return "", err
			}
			at = next
		}
	}
}

// enter judges a directory on the way. One with the sticky bit that is open to others will do, as long as what is
// entered from it is not theirs.
func (w *walk) enter(st *unix.Stat_t, path string) (open bool, err error) {
	why := w.judge.why(st)
	switch {
	case why == "" || ReadOnly(path):
		return false, nil
	case uint32(st.Mode)&unix.S_ISVTX != 0 && w.judge.Mine(int(st.Uid)):
		return true, nil
	}
	return false, fmt.Errorf("the path leads through the directory %s, which %s: "+elsewhere, plain.Word(path), why)
}

const elsewhere = "move it to a directory that nobody else can change"

// planted reports what somebody may have put into a directory that is open to all: what is not ours, and what has a
// second name, by which a file of ours would be here without our doing.
func (w *walk) planted(st *unix.Stat_t, path string) error {
	switch {
	case !w.judge.Mine(int(st.Uid)):
		return fmt.Errorf("the path leads through %s, which %s: "+elsewhere, plain.Word(path), w.judge.owner(int(st.Uid)))
	case uint32(st.Mode)&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1:
		return fmt.Errorf("the path leads to %s, which has other names too: "+elsewhere, plain.Word(path))
	}
	return nil
}

func (w *walk) follow(link string) (string, error) {
	if w.links++; w.links > linksMost {
		return "", &fs.PathError{Op: "open", Path: link, Err: unix.ELOOP}
	}
	return os.Readlink(link)
}

// Open opens the file that an absolute path leads to for reading, if it and the way to it are trusted. Opening never
// waits for the other end of a FIFO.
func (j *Judge) Open(path string) (*os.File, error) {
	real, err := j.Walk(path)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(real, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: real, Err: err}
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && !ReadOnlyFD(fd) {
		if why := j.Fault(&st, real, real != path); why != "" {
			err = errors.New(plain.Word(real) + " " + why)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}
