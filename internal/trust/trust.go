// Package trust finds out who can change the file that a path leads to. Nobody else may change what root or the
// daemon's user executes or reads settings from: neither the file nor any directory or symbolic link on the way to it.
package trust

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// Judge decides for one user. A group may write if it is the primary group of that user and the user is not root. With
// the umask 002 of many systems each user has a group of their own, which can write all their files. But on some
// systems root's group has other members, so no group may write for root.
type Judge struct {
	UID, GID int                   // GID is the primary group
	Name     func(uid int) string  // of a user, for people; nil: by number
	Home     func(path string) int // the user whose home the directory is; -1: nobody's; nil: not known
	Sealed   []string              // the files so far that are trusted only because their mount is read-only

	users, groups ids
}

// New returns the judge for a user.
func New(uid, gid int) *Judge {
	return &Judge{UID: uid, GID: gid, users: idsOf("uid"), groups: idsOf("gid")}
}

// ids says which user or group numbers are certain. In a user namespace, all numbers that are not mapped look like the
// overflow ID, which may also be mapped.
type ids struct {
	overflow int // -1: every number is certain
}

func (i ids) certain(id int) bool { return i.overflow < 0 || id != i.overflow }

// Mine reports whether the number is certainly that of root or of the judge's user.
func (j *Judge) Mine(uid int) bool { return (uid == 0 || uid == j.UID) && j.users.certain(uid) }

// Fault says who besides root and the judge's user can change a file or directory, by its owner and mode, and how to
// fix that. It returns "" if nobody can. link is true if a symbolic link led to path.
func (j *Judge) Fault(st *unix.Stat_t, path string, link bool) string {
	why := j.why(st)
	if why == "" {
		return ""
	}
	return why + ": " + j.advice(st, path, link)
}

func (j *Judge) why(st *unix.Stat_t) string {
	mode := uint32(st.Mode) & 0o7777
	switch others, group := mode&0o002 != 0, j.groupWrites(st); {
	case !j.Mine(int(st.Uid)):
		return j.owner(int(st.Uid))
	case group && others:
		return fmt.Sprintf("can be written by its group and by others (mode %04o)", mode)
	case group:
		return fmt.Sprintf("can be written by its group (mode %04o)", mode)
	case others:
		return fmt.Sprintf("can be written by others (mode %04o)", mode)
	}
	return ""
}

func (j *Judge) groupWrites(st *unix.Stat_t) bool {
	gid := int(st.Gid)
	return uint32(st.Mode)&0o020 != 0 && (j.UID == 0 || gid != j.GID || !j.groups.certain(gid))
}

func (j *Judge) owner(uid int) string {
	switch {
	case !j.users.certain(uid):
		return fmt.Sprintf("is owned by a user outside of this user namespace, shown as uid %d", uid)
	case j.UID == 0:
		return "is not owned by root but by " + j.name(uid)
	}
	return fmt.Sprintf("is owned by %s, neither by root nor by %s", j.name(uid), j.name(j.UID))
}

// advice suggests a fix that harms nobody: it does not change the mode of a directory that others use, or the owner of
// a file that may be theirs.
func (j *Judge) advice(st *unix.Stat_t, path string, link bool) string {
	mode, word := uint32(st.Mode), Quote(path)
	switch mine := j.Mine(int(st.Uid)); {
	case mode&unix.S_IFMT == unix.S_IFDIR && j.shared(st, path):
		return "move the trusted files to a directory that nobody else needs to write to"
	case !j.users.certain(int(st.Uid)):
		return "mount it read-only, or chown it to root of this namespace"
	case !mine && link:
		return "replace the link with a copy"
	case !mine && j.UID == 0:
		return "chown root " + word
	case !mine:
		return "chown " + strings.TrimPrefix(j.name(j.UID), "uid ") + " " + word
	}
	who := ""
	if j.groupWrites(st) {
		who += "g"
	}
	if mode&0o002 != 0 {
		who += "o"
	}
	return "chmod " + who + "-w " + word
}

// shared reports whether several users work in a directory: one with the sticky bit such as /tmp, one with the
// set-group-ID bit for the files of a team, or somebody's home.
func (j *Judge) shared(st *unix.Stat_t, path string) bool {
	mode := uint32(st.Mode)
	if mode&unix.S_ISVTX != 0 || mode&unix.S_ISGID != 0 && mode&0o020 != 0 || path == "/" {
		return true
	}
	if j.Home == nil {
		return false
	}
	whose := j.Home(path)
	return whose >= 0 && whose != j.UID
}

func (j *Judge) name(uid int) string {
	if j.Name == nil {
		if uid == 0 {
			return "root"
		}
		return "uid " + strconv.Itoa(uid)
	}
	return j.Name(uid)
}

// Quote quotes a path for the shell if necessary, and escapes characters that are not safe on a line of text.
func Quote(s string) string {
	return plain.Word(plain.Shell(s))
}

// Self returns the judge for the user of this process.
func Self() *Judge { return New(os.Geteuid(), os.Getegid()) }
