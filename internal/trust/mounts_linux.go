package trust

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Owner and mode may allow users to change a file, but on a read-only mount they cannot. That is so in volumes of
// ConfigMaps and Secrets, whose modes allow everybody to write. The read-only flag is not enough, though. The same file
// may be writable through another mount, here or outside the mount namespace of a service with a protected system, and
// a file server has other clients.

// readOnlyPath reports whether nobody can write the file at path, because it is on a read-only mount of a local file
// system that has no writable mount. It does not follow a link.
func readOnlyPath(path string) bool {
	return readOnly(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

// readOnlyFile is readOnlyPath for an open file.
func readOnlyFile(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0 && readOnly(fd, "", unix.AT_EMPTY_PATH)
}

func readOnly(fd int, path string, flags int) bool {
	var stx unix.Statx_t
	err := unix.Statx(fd, path, flags|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &stx)
	if err != nil || stx.Mask&unix.STATX_MNT_ID == 0 {
		return false
	}
	here, err1 := readTable("/proc/self/mountinfo")
	outside, err2 := readTable("/proc/1/mountinfo") // the same in a container; without permission to read it, nothing is known
	if err1 != nil || err2 != nil {
		return false
	}
	i := slices.IndexFunc(here, func(m mount) bool { return m.id == stx.Mnt_id })
	return i >= 0 && here[i].sealed(here, outside)
}

// mount is one line of mountinfo.
type mount struct {
	id       uint64
	device   string
	root     string // the mounted part of the file system
	point    string // where it is mounted
	writable bool
	kind     string
	user     int // the user who mounted it with FUSE; else root
}

// Mounts is the mount table of this process by mount point, as it was when ReadMounts read it.
type Mounts map[string]mount

// ReadMounts reads the mount table. If it cannot be read, no path is local.
func ReadMounts() Mounts {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	return ParseMounts(string(text))
}

// ParseMounts reads the text of a mount table. The last line of a mount point counts.
func ParseMounts(text string) Mounts {
	m := Mounts{}
	for _, on := range parseTable(text) {
		m[on.point] = on
	}
	return m
}

// Stat returns the owner and mode of path without following a link. Its folder must be known not to block. Stat never
// blocks, not even on a file system that was mounted at path after the table was read: the ID of its mount differs.
func (m Mounts) Stat(path string) (st unix.Stat_t, err error) {
	on := m.of(path)
	if !LocalType(on.kind) {
		return st, ErrNotLocal
	}
	stx, err := statCached(path, &st)
	if err == nil && stx.Mask&unix.STATX_MNT_ID != 0 && stx.Mnt_id != on.id { // Linux 5.8
		err = ErrNotLocal
	}
	return st, err
}

// of returns the mount that holds path.
func (m Mounts) of(path string) mount {
	for ; ; path = filepath.Dir(path) {
		if on, ok := m[path]; ok || len(path) <= 1 {
			return on
		}
	}
}

// statCached asks the kernel only for cached data, so that it does not block on a file system that does not answer. It
// does not follow a link.
func statCached(path string, st *unix.Stat_t) (stx unix.Statx_t, err error) {
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	err = unix.Statx(unix.AT_FDCWD, path, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &stx)
	st.Uid, st.Gid, st.Mode = stx.Uid, stx.Gid, uint32(stx.Mode)
	setNlink(&st.Nlink, stx.Nlink)
	return stx, err
}

// lstat does not block either. The root directory of a user's FUSE file system counts as owned by that user, whatever
// the file system reports.
func lstat(path string, st *unix.Stat_t) error {
	stx, err := statCached(path, st)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if stx.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 || stx.Dev_major != 0 { // a real device, which no program serves
		return nil
	}
	all, err := readTable("/proc/self/mountinfo")
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if i := slices.IndexFunc(all, func(m mount) bool { return m.id == stx.Mnt_id }); i >= 0 && all[i].user != 0 {
		st.Uid = uint32(all[i].user)
	}
	return nil
}

// setNlink sets a number of links, whose type depends on the architecture.
func setNlink[T uint32 | uint64](to *T, n uint32) { *to = T(n) }

// sealed reports whether no mount in the tables lets anybody write the files of this one.
func (m mount) sealed(tables ...[]mount) bool {
	if m.writable || !LocalType(m.kind) {
		return false
	}
	for _, table := range tables {
		for _, o := range table {
			if o.writable && o.device == m.device && (within(m.root, o.root) || within(o.root, m.root)) {
				return false
			}
		}
	}
	return true
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// readTable reads a mount table, whose format is in proc_pid_mountinfo(5). Roots keep their escapes.
func readTable(table string) ([]mount, error) {
	text, err := os.ReadFile(table)
	return parseTable(string(text)), err
}

func parseTable(text string) (all []mount) {
	for line := range strings.Lines(text) {
		if m, ok := parseMount(line); ok {
			all = append(all, m)
		}
	}
	return all
}

func parseMount(line string) (mount, bool) {
	before, after, _ := strings.Cut(line, " - ")
	f, t := strings.Fields(before), strings.Fields(after)
	if len(f) < 6 || len(t) < 2 {
		return mount{}, false
	}
	id, _ := strconv.ParseUint(f[0], 10, 64)
	super := t[len(t)-1] // after the source, which may be empty
	ro := func(options string) bool { return slices.Contains(strings.Split(options, ","), "ro") }
	user := 0
	for option := range strings.SplitSeq(super, ",") {
		if n, ok := strings.CutPrefix(option, "user_id="); ok && strings.HasPrefix(t[0], "fuse") {
			user, _ = strconv.Atoi(n)
		}
	}
	return mount{id: id, device: f[2], root: f[3], point: unescapeOctal(f[4]), writable: !ro(f[5]) && !ro(super),
		kind: t[0], user: user}, true
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

// localTypes are the file systems that need no server and no program in user space.
var localTypes = []string{"bcachefs", "btrfs", "cramfs", "devpts", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4",
	"f2fs", "iso9660", "jfs", "minix", "msdos", "ntfs3", "overlay", "proc", "ramfs", "reiserfs", "rootfs", "squashfs", "sysfs",
	"tmpfs", "ubifs", "udf", "ufs", "vfat", "xfs", "zfs"}

// LocalType reports whether a type of file system is known to be local.
func LocalType(name string) bool { return slices.Contains(localTypes, name) }
