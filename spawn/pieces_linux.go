package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostPieces is the maximum number of pieces on the disk that a file may have for its front to be removed. The file
// system moves each remaining piece, some thousand pieces a second, and no process can read or write the file in the
// meantime.
const mostPieces = 1000

// inPieces reports whether a file has more pieces than mostPieces. It does not count the rest of them. If the file
// system cannot report the pieces, inPieces returns false.
func inPieces(fd int) bool {
	// These are struct fiemap and struct fiemap_extent of Linux's fiemap.h.
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
