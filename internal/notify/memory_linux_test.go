package notify

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestInputIsNotExecutable: the input of a command is a file that nobody can make executable. With vm.memfd_noexec=2 the
// kernel gives no other.
func TestInputIsNotExecutable(t *testing.T) {
	if fd, err := unix.MemfdCreate("test", unix.MFD_NOEXEC_SEAL); err != nil {
		t.Skip("this kernel has no such files: ", err)
	} else {
		unix.Close(fd)
	}
	fd, err := newInput(nil, []byte("text"))
	must(t, err)
	defer unix.Close(fd)
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	must(t, err)
	if seals&unix.F_SEAL_EXEC == 0 {
		t.Errorf("seals %#x", seals)
	}
	var st unix.Stat_t
	must(t, unix.Fstat(fd, &st))
	if st.Mode&0o777 != 0o600 {
		t.Errorf("mode %#o", st.Mode)
	}
}
