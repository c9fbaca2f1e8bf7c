package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// linksMost is the largest number of symbolic links in a path, as in path_resolution(7).
const linksMost = 40

// Walk follows an absolute path from the root directory, through symbolic links, and returns its target. Everything on
// the way must be trusted: each directory, and each file in a directory where others can create files. Walk does not
// check the target itself: open it with O_NOFOLLOW and call Fault.
//
// Walk uses names. Names can be moved, but not by others, because Walk checks a directory before it looks at a name in
// it.
func (j *Judge) Walk(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s: is not an absolute path", plain.Word(path))
	}
	w := &walk{judge: j}
	return w.from("/", path)
}

// WalkIn does the same for a name in a trusted directory, without checking the way to that directory. The path of the
// directory must not contain a link. Links that leave it are followed from the root directory.
func (j *Judge) WalkIn(dir, name string) (string, error) {
	w := &walk{judge: j}
	return w.on(dir, name, false)
}

// WalkLocal does the same without touching anything that can block: no network file system, no file system in user
// space, and nothing that others can change at any time. It also checks the links and the target itself. The error is
// ErrNotLocal if only a caller that can wait may look there.
func (j *Judge) WalkLocal(mounts Mounts, path string) (string, error) {
	w := &walk{judge: j, mounts: &mounts}
	target, err := w.from("/", path)
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		err = ErrNotLocal
	}
	return target, err
}

type walk struct {
	judge  *Judge
	links  int
	mounts *Mounts // nil: files may be on any file system
}

func (w *walk) stat(path string, st *unix.Stat_t) (err error) {
	if w.mounts == nil {
		return lstat(path, st)
	}
	*st, err = w.mounts.Stat(path)
	return err
}

// from begins at the root directory and checks it like all others.
func (w *walk) from(at, path string) (string, error) {
	var st unix.Stat_t
	if err := w.stat(at, &st); err != nil {
		return "", err
	}
	open, err := w.enter(&st, at)
	if err != nil {
		return "", err
	}
	return w.on(at, path, open)
}

// on continues from a directory that was checked. open means that others can create files in it, but cannot move those
// of root and the judge's user.
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
		if err := w.stat(next, &st); err != nil {
			if open && w.mounts != nil {
				err = ErrNotLocal // anybody may create it
			}
			return "", err
		}
		if open || w.mounts != nil {
			if err := w.planted(&st, next, open); err != nil {
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
			if w.mounts != nil {
				_, err := w.enter(&st, next)
				return next, err
			}
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

// enter checks a directory on the way. A directory with the sticky bit may be open to others if the next file in it is
// not theirs.
func (w *walk) enter(st *unix.Stat_t, path string) (open bool, err error) {
	why := w.judge.why(st)
	const sticky = unix.S_IFDIR | unix.S_ISVTX
	switch {
	case why == "" || readOnlyPath(path):
		return false, nil
	case uint32(st.Mode)&(unix.S_IFMT|unix.S_ISVTX) == sticky && w.judge.Mine(int(st.Uid)):
		return true, nil
	}
	return false, fmt.Errorf("the path leads through the directory %s, which %s: "+elsewhere, plain.Word(path), why)
}

const elsewhere = "move it to a directory that nobody else can change"

// planted refuses files that another user may have put into a directory that is open to others: files of other owners,
// and files with several names, because anybody can add a hard link to a file of ours.
func (w *walk) planted(st *unix.Stat_t, path string, open bool) error {
	switch {
	case !w.judge.Mine(int(st.Uid)):
		return fmt.Errorf("the path leads through %s, which %s: "+elsewhere, plain.Word(path), w.judge.owner(int(st.Uid)))
	case open && uint32(st.Mode)&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1:
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
