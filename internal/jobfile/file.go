package jobfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// MaxFile is the size in bytes of the largest job file.
const MaxFile = 1 << 20

const tooBig = "is larger than 1 MiB"

// stamp identifies the version of a file that was read.
type stamp struct {
	sum     uint64 // of all attributes that change with the file
	mode    uint32 // with the file type
	settled bool   // the file was old enough when it was read, so that every later change is visible
}

// settledAge is the age at which a stamp is reliable, because file systems have coarse clocks.
const settledAge = time.Second

func stampOf(st *unix.Stat_t) stamp {
	return stamp{
		sum: sumOf(int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano(),
			int64(st.Mode), int64(st.Uid), int64(st.Gid)),
		mode:    uint32(st.Mode),
		settled: time.Since(time.Unix(st.Ctim.Unix())) >= settledAge,
	}
}

// sumOf is a hash of numbers that is the same in every process.
func sumOf(numbers ...int64) uint64 {
	b := make([]byte, 0, 64)
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	sum := fnv.New64a()
	sum.Write(b)
	return sum.Sum64()
}

// link reports whether it is the stamp of a symbolic link.
func (s stamp) link() bool { return s.mode&unix.S_IFMT == unix.S_IFLNK }

// look returns the stamp of a name in an open directory, without following a symbolic link.
func look(dir int, name string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stamp{}, err
	}
	return stampOf(&st), nil
}

// read reads the file called name, if nobody else can change it. looked is the result of look.
func (h *host) read(dir *trust.Folder, name string, looked stamp) (text string, s stamp, err error) {
	fd, st, err := dir.Open(name, looked.mode)
	if err != nil {
		return "", stamp{}, err
	}
	defer unix.Close(fd)
	if st.Size > MaxFile {
		return "", stamp{}, errors.New(tooBig)
	}
	text, err = h.readAll(fd)
	return text, stampOf(&st), err
}

// readAll reads at most MaxFile bytes, because the file may have grown since it was opened.
func (h *host) readAll(fd int) (string, error) {
	b := h.buffer[:0]
	for {
		b = slices.Grow(b, 4096)
		n, err := trust.Retry(func() (int, error) { return unix.Read(fd, b[len(b):cap(b)]) })
		if err != nil {
			return "", fmt.Errorf("cannot read: %w", err)
		}
		b = b[:len(b)+n]
		switch {
		case len(b) > MaxFile:
			return "", errors.New(tooBig)
		case n == 0:
			h.buffer = b
			return string(b), nil
		}
	}
}
