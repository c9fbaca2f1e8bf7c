package jobfile

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// mounts is the mount table, keyed by mount point.
type mounts map[string]mount

type mount struct {
	id    uint64
	local bool // the file system needs no server and no program in user space
}

// readMounts reads /proc/self/mountinfo, described in proc_pid_mountinfo(5). The last line of a mount point counts.
func readMounts() mounts {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	m := mounts{}
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		f, t := strings.Fields(before), strings.Fields(after)
		if len(f) > 4 && len(t) > 0 {
			id, _ := strconv.ParseUint(f[0], 10, 64)
			m[unescapeOctal(f[4])] = mount{id, trust.LocalType(t[0])}
		}
	}
	return m
}

// look returns the owner and mode of path without following a link. Its folder must be known not to block. look asks
// the kernel only for cached data, so that it does not block on a file system mounted at path after the mount table was
// read. The mount ID detects such a mount.
func (m mounts) look(path string) (unix.Stat_t, error) {
	on := m.of(path)
	if !on.local {
		return unix.Stat_t{}, errNotLocal
	}
	var st unix.Statx_t
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	if err := unix.Statx(unix.AT_FDCWD, path, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st); err != nil {
		return unix.Stat_t{}, err
	}
	if st.Mask&unix.STATX_MNT_ID != 0 && st.Mnt_id != on.id { // Linux 5.8
		return unix.Stat_t{}, errNotLocal
	}
	return unix.Stat_t{Uid: st.Uid, Gid: st.Gid, Mode: uint32(st.Mode)}, nil
}

// of returns the mount that holds path. Without a mount table nothing is local.
func (m mounts) of(path string) mount {
	for {
		if on, ok := m[path]; ok {
			return on
		}
		i := strings.LastIndexByte(path, '/')
		switch {
		case i > 0:
			path = path[:i]
		case i == 0 && path != "/":
			path = "/"
		default:
			return mount{}
		}
	}
}

// unescapeOctal undoes the escapes of the kernel, such as \040 for a space.
func unescapeOctal(s string) string {
	head, tail, found := strings.Cut(s, `\`)
	if !found {
		return s
	}
	if len(tail) >= 3 {
		if c, err := strconv.ParseUint(tail[:3], 8, 8); err == nil {
			return head + string([]byte{byte(c)}) + unescapeOctal(tail[3:])
		}
	}
	return head + `\` + unescapeOctal(tail)
}
