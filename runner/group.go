package runner

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// share asks to give a group read access to the journal and the logs, present and future.
type share struct{ group string }

// logGroup is the number of that group, for the recorder.
type logGroup struct{ gid int }

// share gives the files to the group. Without a group, they stay unchanged.
func (d *disk) share(group string) {
	gid := groupID(group)
	d.post(logGroup{gid})
	if gid < 0 {
		d.report("group", nil)
		return
	}
	err := errors.Join(d.journal.SetGroup(gid), shareFiles(d.stateDir, gid, isJournal), shareFiles(d.logDir, gid, isLog))
	if err == nil {
		err = openToGroup(d.logDir, gid)
	}
	if err != nil {
		err = fmt.Errorf("cannot let group %s read the journal and the logs: %w", group, err)
	}
	d.report("group", err)
}

func isJournal(name string) bool { return strings.HasPrefix(name, "history.jsonl") }

// isLog reports whether a file is a log of a job or of the daemon, rotated or not.
func isLog(name string) bool {
	return strings.HasSuffix(name, ".log") || strings.Contains(name, ".log.")
}

// shareFiles gives files of a directory to a group. It follows no link.
func shareFiles(dir string, gid int, which func(name string) bool) error {
	d, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, name := range names {
		var st unix.Stat_t
		if !which(name) || unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil ||
			st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Gid) == gid {
			continue
		}
		if err := unix.Fchownat(int(d.Fd()), name, -1, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &os.PathError{Op: "chown", Path: dir + "/" + name, Err: err}
		}
	}
	return err
}

// openToGroup lets a group list a directory and own the files that are made there.
func openToGroup(dir string, gid int) error {
	d, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	st, err := d.Stat()
	if err == nil {
		err = d.Chown(-1, gid)
	}
	if err == nil {
		err = d.Chmod(st.Mode() | os.ModeSetgid | 0o050)
	}
	return err
}

// groupID returns the number of the group that may read the journal and the logs, or -1 for the daemon's own group or
// an unknown name.
func groupID(name string) int {
	if gid, err := strconv.Atoi(name); err == nil {
		return gid
	}
	if g, err := user.LookupGroup(name); err == nil {
		gid, _ := strconv.Atoi(g.Gid)
		return gid
	}
	return -1
}
