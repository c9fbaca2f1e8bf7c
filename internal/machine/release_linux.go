package machine

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ReleaseProgram unmaps the pages of the program file and its libraries, which the kernel maps again when they are
// needed. Most of a start's code is never needed again, and pages that nobody maps are the first ones that a busy
// machine can use.
func ReleaseProgram() {
	maps, _ := os.ReadFile("/proc/self/maps") // see proc_pid_maps(5): address perms offset device inode path
	for line := range bytes.Lines(maps) {
		f := bytes.Fields(line)
		if len(f) < 6 || f[5][0] != '/' || f[1][1] == 'w' || f[1][3] != 'p' {
			continue
		}
		from, to, _ := bytes.Cut(f[0], []byte("-"))
		start, _ := strconv.ParseUint(string(from), 16, 64)
		end, _ := strconv.ParseUint(string(to), 16, 64)
		unix.RawSyscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
	}
}
