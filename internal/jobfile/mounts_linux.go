package jobfile

import (
	"os"
	"strconv"
	"strings"
)

// mounts is the mount table: mount points and whether what is mounted there is local.
type mounts map[string]bool

// localTypes are the file systems that answer without a server or a program in user space. What is not listed here costs
// no more than a start by a longer way.
var localTypes = words("bcachefs", "btrfs", "cramfs", "devpts", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4",
	"f2fs", "iso9660", "jfs", "minix", "msdos", "ntfs3", "overlay", "proc", "ramfs", "reiserfs", "rootfs", "squashfs", "sysfs",
	"tmpfs", "ubifs", "udf", "ufs", "vfat", "xfs", "zfs")

// readMounts reads /proc/self/mountinfo, whose format is in proc_pid_mountinfo(5). The last line of a mount point
// counts.
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
			m[unescapeOctal(f[4])] = localTypes[t[0]]
		}
	}
	return m
}

// local tells whether the path is on a local file system; without a mount table nothing is.
func (m mounts) local(path string) bool {
	for {
		if is, ok := m[path]; ok {
			return is
		}
		i := strings.LastIndexByte(path, '/')
		switch {
		case i > 0:
			path = path[:i]
		case i == 0 && path != "/":
			path = "/"
		default:
			return false
		}
	}
}

// unescapeOctal undoes the \040 that the kernel writes for a space, and its like.
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

func words(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, w := range list {
		m[w] = true
	}
	return m
}
