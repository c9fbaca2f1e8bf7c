package spawn

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limit is one resource limit. Both the soft and the hard limit become Value.
type Limit struct {
	Name  string `json:"name"`  // nofile, nproc, as, data, stack, core, cpu, fsize or memlock
	Value uint64 `json:"value"` // number, bytes, or seconds, as setrlimit(2) has it; or Unlimited
}

// Unlimited takes a limit away.
const Unlimited uint64 = math.MaxUint64

var resources = map[string]int{
	"nofile":  unix.RLIMIT_NOFILE,
	"nproc":   unix.RLIMIT_NPROC,
	"as":      unix.RLIMIT_AS,
	"data":    unix.RLIMIT_DATA,
	"stack":   unix.RLIMIT_STACK,
	"core":    unix.RLIMIT_CORE,
	"cpu":     unix.RLIMIT_CPU,
	"fsize":   unix.RLIMIT_FSIZE,
	"memlock": unix.RLIMIT_MEMLOCK,
}

// set sets the limit of this process, by syscall.Setrlimit: Go restores the soft nofile limit at exec unless it was
// told so by that very function.
func (l Limit) set() error {
	resource, known := resources[l.Name]
	if !known {
		return syscall.EINVAL
	}
	var r syscall.Rlimit
	assign(&r.Cur, l.Value)
	assign(&r.Max, l.Value)
	return syscall.Setrlimit(resource, &r)
}

// assign bridges the systems' types of a limit. Each has its own figure for "none"; what does not fit is cut to it.
func assign[T int64 | uint64](to *T, value uint64) {
	*to = T(min(value, uint64(unix.RLIM_INFINITY)))
}
