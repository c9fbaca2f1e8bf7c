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
//
// A mapping with changed pages stays, because the file does not have the changes. The dynamic linker makes such
// mappings: it writes addresses into them and makes them read-only then.
func ReleaseProgram() {
	smaps, _ := os.ReadFile("/proc/self/smaps") // see proc_pid_smaps(5): a line of proc_pid_maps(5), then sizes
	var start, end uint64
	unchanged := false
	for line := range bytes.Lines(smaps) {
		f := bytes.Fields(line)
		switch {
		case len(f) > 1 && bytes.HasSuffix(f[0], []byte(":")):
			switch string(f[0]) {
			case "Anonymous:", "Swap:":
				unchanged = unchanged && string(f[1]) == "0"
			case "VmFlags:": // the last line of a mapping
				if unchanged {
					unix.RawSyscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
				}
			}
		case len(f) > 1:
			from, to, _ := bytes.Cut(f[0], []byte("-"))
			start, _ = strconv.ParseUint(string(from), 16, 64)
			end, _ = strconv.ParseUint(string(to), 16, 64)
			unchanged = len(f) > 5 && f[5][0] == '/' && f[1][1] != 'w' && f[1][3] == 'p' // read-only and private: address perms offset device inode path
		}
	}
}
