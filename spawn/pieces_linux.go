package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostPieces is in how many pieces on its disk a file may be for its front to be removed. The file system moves each piece
// that is left, some thousand of them in a second, and nobody can read or write the file meanwhile.
const mostPieces = 1000

// inPieces tells whether a file is in more pieces than that, without counting the rest of them. A file system that cannot
// tell has not answered.
func inPieces(fd int) bool {
	// See fiemap.h of Linux: struct fiemap and struct fiemap_extent.
	var request struct {
		start, length                  uint64
		flags, mapped, count, reserved uint32
		pieces                         [mostPieces + 1]struct{ fields [7]uint64 }
	}
	const getMap = 3<<30 | 32<<16 | 'f'<<8 | 11 // _IOWR('f', 11, struct fiemap)
	request.length, request.count = ^uint64(0), uint32(len(request.pieces))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), getMap, uintptr(unsafe.Pointer(&request)))
	return errno == 0 && request.mapped > mostPieces
}
