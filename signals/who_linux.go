//go:build !nowho && (amd64 || arm64)

package signals

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

// The package os/signal does not report the sender of a signal: only the signal handler sees it. So this file puts a
// handler of its own, in assembly, in front of the handler of the Go runtime. It notes the sender and jumps to the
// runtime's handler with everything as the kernel passed it. It has no stack frame, calls nothing and waits for
// nothing, so it may run whenever the runtime's handler may.
//
// The runtime installs its handler when a program first asks for a signal, or asks for it after ignoring it. So watch
// must run after every signal.Notify.

// The handler shares these variables with this file. The arrays are indexed by signal.
var (
	// senders holds the last sender that LastSender has not returned yet. It is one word, so that two senders can
	// never mix. Bits 0..22 are the pid, which is below 1<<22; bit 23 is always set, so that pid 0 and uid 0 differ
	// from no sender; bits 24..31 are the low byte of si_code; bits 32..63 are the uid.
	senders [32]uint64
	// merged counts the senders that a later one has replaced in senders.
	merged [32]uint32
	// runtimeHandler is the address of the runtime's handler, the same for all signals.
	runtimeHandler uintptr
)

const newsBit = 1 << 23

var watched atomic.Uint32 // a Set

// handlerPC returns the address of the handler. The handler has no Go declaration because no Go code may call it.
func handlerPC() uintptr

// watch puts the handler in front of the runtime's handler and keeps its flags, its mask and its stack. Where this
// fails, senders stay unknown.
func watch(sig syscall.Signal) {
	a, err := getAction(sig)
	if err != nil || a.handler == handlerPC() {
		return
	}
	if a.handler <= 1 { // default or ignored: the runtime has no handler to jump to
		return
	}
	atomic.CompareAndSwapUintptr(&runtimeHandler, 0, a.handler)
	if atomic.LoadUintptr(&runtimeHandler) != a.handler { // some other code installed it
		return
	}
	a.handler = handlerPC()
	if setAction(sig, &a) == nil {
		watched.Or(1 << sig)
	}
}

// LastSender returns the sender of a signal that the loop has taken; if there were several, the last one. It returns
// news = false if an earlier call already returned all senders: the handler stores a sender a little before the loop
// sees the signal.
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

// hows are the low bytes of si_code that come with a pid and a uid. The other codes have neither.
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
	if code == 0x80 { // SI_KERNEL: for example a terminal
		s.How = "kernel"
	}
	return s
}
