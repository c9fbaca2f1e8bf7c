package trust

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// FileSystem returns the type of the file system of a path, and whether it is local. It does not touch the file system
// itself, so a server that does not answer cannot block it. Without /proc the type is "".
func FileSystem(path string) (kind string, local bool, err error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return "", false, nil
	}
	table, err := readTable("/proc/self/mountinfo")
	if err != nil {
		return "", false, nil
	}
	id := mountID(string(info))
	for _, m := range table {
		if m.id == id {
			kind = m.kind
		}
	}
	return kind, LocalType(kind), nil
}

// mountID returns the ID of the mount of an open file, from proc_pid_fdinfo(5).
func mountID(fdinfo string) uint64 {
	for line := range strings.Lines(fdinfo) {
		if text, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			id, _ := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
			return id
		}
	}
	return 0
}
