package spawn

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limit is one resource limit. Both the soft and the hard limit become Value.
type Limit struct {
	Name  string `json:"name"`  // one of nofile, nproc, as, data, stack, core, cpu, fsize, memlock
	Value uint64 `json:"value"` // a number, bytes or seconds, as in setrlimit(2); or Unlimited
}

// Unlimited removes a limit.
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

// set sets the limit of this process with syscall.Setrlimit. Go restores the soft nofile limit at exec unless the
// program changed it with that function.
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

// assign hides that systems use different types for a limit. Each system has its own number for no limit, and larger
// values are cut to that number.
func assign[T int64 | uint64](to *T, value uint64) {
	*to = T(min(value, uint64(unix.RLIM_INFINITY)))
}
