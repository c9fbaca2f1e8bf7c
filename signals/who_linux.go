//go:build !nowho && (amd64 || arm64)

package signals

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// os/signal does not tell who sent a signal: only the handler learns that. So a handler of our own, in assembly, goes in
// front of the runtime's. It notes the sender and jumps on, with all as the kernel had it. As it has no stack frame,
// calls nothing and waits for nothing, it may run whenever the runtime's may.
//
// The runtime puts its handler in when a signal is first notified, or notified after it was ignored. So watch comes
// after every signal.Notify.

// These are what the handler shares with us, by signal.
var (
	// senders holds the last one that was not asked for yet. It is one word, so that no two senders mix, whatever happens
	// meanwhile: bits 0..22 are the pid, which is below 1<<22; 23 is set, to tell who is all 0 from nobody; 24..31 the
	// low byte of si_code; 32..63 the uid.
	senders [32]uint64
	// merged counts those in senders that gave way to another one.
	merged [32]uint32
	// runtimeHandler is the same for all signals.
	runtimeHandler uintptr
)

const newsBit = 1 << 23

var watched atomic.Uint32 // a Set

// handlerPC returns the address of the handler, which has no Go declaration: it is not to be called.
func handlerPC() uintptr

// sigaction is the kernel's struct of that name.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// watch puts the handler in front of the runtime's, which keeps its flags, its mask and its stack. Where that cannot be,
// senders are unknown.
func watch(sig syscall.Signal) {
	a, err := getAction(sig)
	if err != nil || a.handler == handlerPC() {
		return
	}
	if a.handler <= 1 { // the default, or ignored: no runtime to chain to
		return
	}
	atomic.CompareAndSwapUintptr(&runtimeHandler, 0, a.handler)
	if atomic.LoadUintptr(&runtimeHandler) != a.handler { // it is somebody else's
		return
	}
	a.handler = handlerPC()
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&a)), 0,
		unsafe.Sizeof(a.mask), 0, 0); e == 0 {
		watched.Or(1 << sig)
	}
}

func getAction(sig syscall.Signal) (a sigaction, err error) {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&a)),
		unsafe.Sizeof(a.mask), 0, 0)
	if e != 0 {
		return a, e
	}
	return a, nil
}

// LastSender returns who sent a signal that was taken, or of several the last one. Without news, they were all told
// when one before was asked for: the senders come in a little before the signals do.
func LastSender(sig syscall.Signal) (s Sender, news bool) {
	if !Set(watched.Load()).Has(sig) {
		return unknown, true
	}
	word := atomic.SwapUint64(&senders[sig], 0)
	if word == 0 {
		return unknown, false
	}
	s = decode(word)
	s.More = int(atomic.SwapUint32(&merged[sig], 0))
	if s.PID > 0 {
		s.Exe, _ = os.Readlink("/proc/" + strconv.Itoa(s.PID) + "/exe")
	}
	return s, true
}

// hows are the low bytes of si_code that go with a pid and a uid. All others do not.
var hows = map[byte]string{
	0x00: "kill",     // SI_USER: also pidfd_send_signal(2)
	0xff: "sigqueue", // SI_QUEUE
	0xfa: "tgkill",   // SI_TKILL
}

func decode(word uint64) Sender {
	code := byte(word >> 24)
	if how := hows[code]; how != "" {
		return Sender{PID: int(word & (newsBit - 1)), UID: int(word >> 32), How: how}
	}
	s := unknown
	if code == 0x80 { // SI_KERNEL: a terminal, say
		s.How = "kernel"
	}
	return s
}
