package spawn

import (
	"bytes"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// The CPU time in a leaf proves whether a process was ever in it: to become a program takes hundreds of microseconds. So
// it says what the evidence leaves open if the daemon was killed around a fork.

// statFile has the CPU time in a leaf, with or without controllers.
const statFile = "cpu.stat"

// usage is the CPU time in a leaf.
type usage struct {
	inode uint64 // of the leaf; 0: it was made for the run
	time  int64  // in microseconds; negative: not known
}

var unknownUsage = usage{time: -1}

// Measure makes leaves know the CPU time in them before each run, for the evidence. That costs a system call for each run.
func (g *Cgroups) Measure() {
	if g != nil {
		g.measures = true
	}
}

// before returns the CPU time in a leaf before its run.
func (l *Leaf) before() usage { return l.usage }

// since returns how a leaf without processes was used since then. It returns Unknown if it may be another leaf.
func (u usage) since(leaf string) Stage {
	var st unix.Stat_t
	if u.time < 0 || leaf == "" || Populated(leaf) || unix.Stat(leaf, &st) != nil || u.inode != 0 && st.Ino != u.inode {
		return Unknown
	}
	fd, err := unix.Open(filepath.Join(leaf, statFile), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Unknown
	}
	defer unix.Close(fd)
	switch now := readUsage(fd); {
	case now == u.time:
		return Unforked
	case now > u.time:
		return Forked
	}
	return Unknown
}

// readUsage reads the first line of a statFile: the CPU time, negative if it is not known.
func readUsage(fd int) int64 {
	var b [256]byte
	if fd < 0 {
		return unknownUsage.time
	}
	n, err := unix.Pread(fd, b[:], 0)
	line, _, ok := bytes.Cut(b[:max(n, 0)], []byte("\n"))
	number, is := bytes.CutPrefix(line, []byte("usage_usec "))
	if err != nil || !ok || !is {
		return unknownUsage.time
	}
	time, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return unknownUsage.time
	}
	return time
}
