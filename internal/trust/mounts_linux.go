package trust

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Owner and mode may allow users to change a file, but on a read-only mount they cannot. That is so in volumes of
// ConfigMaps and Secrets, whose modes allow everybody to write. The read-only flag is not enough, though. The same file
// may be writable through another mount, here or outside the mount namespace of a service with a protected system, and
// a file server has other clients.

// ReadOnly reports whether nobody can write the file at path, because it is on a read-only mount of a local file system
// that has no writable mount. It does not follow a link.
func ReadOnly(path string) bool {
	return readOnly(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

// ReadOnlyFD is ReadOnly for an open file.
func ReadOnlyFD(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0 && readOnly(fd, "", unix.AT_EMPTY_PATH)
}

func readOnly(fd int, path string, flags int) bool {
	var stx unix.Statx_t
	err := unix.Statx(fd, path, flags|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &stx)
	if err != nil || stx.Mask&unix.STATX_MNT_ID == 0 {
		return false
	}
	here, err1 := readMounts("/proc/self/mountinfo")
	outside, err2 := readMounts("/proc/1/mountinfo") // the same in a container; without permission to read it, nothing is known
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
	writable bool
	kind     string
	user     int // the user who mounted it with FUSE; else root
}

// lstat asks the kernel only for cached data, so that it does not block on a file system that does not answer. The root
// directory of a user's FUSE file system counts as owned by that user, whatever the file system reports.
func lstat(path string, st *unix.Stat_t) error {
	var stx unix.Statx_t
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	if err := unix.Statx(unix.AT_FDCWD, path, flags, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &stx); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	st.Uid, st.Gid, st.Mode = stx.Uid, stx.Gid, uint32(stx.Mode)
	setNlink(&st.Nlink, stx.Nlink)
	if stx.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 || stx.Dev_major != 0 { // a real device, which no program serves
		return nil
	}
	all, err := readMounts("/proc/self/mountinfo")
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

// readMounts reads a mount table, whose format is in proc_pid_mountinfo(5). Roots keep their escapes.
func readMounts(table string) ([]mount, error) {
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, err
	}
	var all []mount
	for line := range strings.Lines(string(text)) {
		if m, ok := parseMount(line); ok {
			all = append(all, m)
		}
	}
	return all, nil
}

func parseMount(line string) (mount, bool) {
	before, after, _ := strings.Cut(line, " - ")
	f, t := strings.Fields(before), strings.Fields(after)
	if len(f) < 6 || len(t) < 3 {
		return mount{}, false
	}
	var id uint64
	for _, c := range f[0] {
		id = 10*id + uint64(c-'0')
	}
	ro := func(options string) bool { return slices.Contains(strings.Split(options, ","), "ro") }
	user := 0
	for option := range strings.SplitSeq(t[2], ",") {
		if n, ok := strings.CutPrefix(option, "user_id="); ok && strings.HasPrefix(t[0], "fuse") {
			user, _ = strconv.Atoi(n)
		}
	}
	return mount{id: id, device: f[2], root: f[3], writable: !ro(f[5]) && !ro(t[2]), kind: t[0], user: user}, true
}

// localTypes are the file systems that need no server and no program in user space.
var localTypes = []string{"bcachefs", "btrfs", "cramfs", "devpts", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4",
	"f2fs", "iso9660", "jfs", "minix", "msdos", "ntfs3", "overlay", "proc", "ramfs", "reiserfs", "rootfs", "squashfs", "sysfs",
	"tmpfs", "ubifs", "udf", "ufs", "vfat", "xfs", "zfs"}

// LocalType reports whether a type of file system is known to be local.
func LocalType(name string) bool { return slices.Contains(localTypes, name) }
