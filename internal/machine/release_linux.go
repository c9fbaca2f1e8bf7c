package machine

import (
	"bufio"
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
	for _, m := range fileMappings() { // only now, because the code that runs afterwards is mapped again
		unix.RawSyscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// fileMappings returns the mappings of files that have no changed pages.
func fileMappings() (list []mapping) {
	smaps, err := os.Open("/proc/self/smaps") // see proc_pid_smaps(5)
	if err != nil {
		return nil
	}
	defer smaps.Close()
	var m mapping
	for lines := bufio.NewReader(smaps); ; { // one line at a time, because the memory is released to be small
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return list
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] < 'A' || line[0] > 'Z':
			m = newMapping(line)
		case string(name) == "Anonymous", string(name) == "Swap": // changed pages
			m.release = m.release && bytes.HasPrefix(bytes.TrimLeft(value, " "), []byte("0 "))
		case string(name) == "VmFlags" && m.release: // the last line about a mapping
			list = append(list, m)
		}
	}
}

// mapping is a part of the memory.
type mapping struct {
	start, end uintptr
	release    bool // its pages are in a file, as far as is known
}

// newMapping reads the first line about a mapping: address, permissions, offset, device, inode, path.
func newMapping(line []byte) mapping {
	f := bytes.Fields(line)
	if len(f) < 6 || f[5][0] != '/' || f[1][1] == 'w' || f[1][3] != 'p' {
		return mapping{}
	}
	from, to, _ := bytes.Cut(f[0], []byte("-"))
	start, _ := strconv.ParseUint(string(from), 16, 64)
	end, _ := strconv.ParseUint(string(to), 16, 64)
	return mapping{uintptr(start), uintptr(end), true}
}
