// Package trust tells who can change what a path leads to. What root or the daemon's user executes, or takes settings
// from, must be for nobody else to change: neither the file nor any directory or symbolic link on the way to it.
package trust

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// Judge decides for one user. A group may write if it is the primary group of that user and the user is not root: under
// the umask 002 of many systems each user has a group of their own, and all that they make is writable for it. Root's
// group is not root's alone everywhere, so for root no group may write.
type Judge struct {
	UID, GID int                   // GID is the primary group
	Name     func(uid int) string  // of a user, for people; nil: by number
	Home     func(path string) int // whose home the directory is; -1: nobody's; nil: not known

	users, groups ids
}

// New returns the judge for a user.
func New(uid, gid int) *Judge {
	return &Judge{UID: uid, GID: gid, users: idsOf("uid"), groups: idsOf("gid")}
}

// ids says which numbers of users or groups are what they seem. In a user namespace all that are not mapped into it look
// like one and the same, the overflow id, which may be a mapped one too.
type ids struct {
	overflow int // -1: every number is what it seems
}

func (i ids) certain(id int) bool { return i.overflow < 0 || id != i.overflow }

// Mine reports whether the number is that of root or of the judge's user, and of nobody else.
func (j *Judge) Mine(uid int) bool { return (uid == 0 || uid == j.UID) && j.users.certain(uid) }

// Fault says who but root and the judge's user can change a file or directory, by its owner and mode, and what to do
// about it. "" means nobody can. A link tells that a symbolic link led to path.
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

// OthersWrite reports whether the mode lets others than root and the judge's user write, whoever the owner is.
func (j *Judge) OthersWrite(st *unix.Stat_t) bool {
	return uint32(st.Mode)&0o002 != 0 || j.groupWrites(st)
}

func (j *Judge) owner(uid int) string {
	switch {
	case !j.users.certain(uid):
		return fmt.Sprintf("is owned by a user who is not known in this user namespace and looks like uid %d", uid)
	case j.UID == 0:
		return "is not owned by root but by " + j.name(uid)
	}
	return fmt.Sprintf("is owned by %s, neither by root nor by %s", j.name(uid), j.name(j.UID))
}

// advice never harms somebody else: the mode of a directory that others work in stays as it is, and nobody loses a file.
func (j *Judge) advice(st *unix.Stat_t, path string, link bool) string {
	mode, word := uint32(st.Mode), Quote(path)
	switch mine := j.Mine(int(st.Uid)); {
	case mode&unix.S_IFMT == unix.S_IFDIR && j.shared(st, path):
		return "move what is to be trusted to a directory that nobody else needs to write to"
	case !j.users.certain(int(st.Uid)):
		return "mount it read-only, or have root of this namespace own it"
	case !mine && link:
		return "put a copy in the place of the link"
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

// shared reports whether a directory is made for several users to work in: one with the sticky bit as /tmp, one whose
// group passes on to the files of a team, somebody's home.
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

// Quote quotes a path for the shell where it has to be, and what would not show in a line of text.
func Quote(s string) string {
	const bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@%,:="
	if s != "" && strings.Trim(s, bare) == "" {
		return s
	}
	return plain.Word("'" + strings.ReplaceAll(s, "'", `'\''`) + "'")
}

// Self is the judge for the user of this process.
func Self() *Judge { return New(os.Geteuid(), os.Getegid()) }
