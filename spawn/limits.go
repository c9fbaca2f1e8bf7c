package spawn

import (
	"math"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
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

// instruction returns the limit for a shim. Each system has its own number for no limit, and larger values are cut to
// that number.
func (l Limit) instruction() shim.Limit {
	resource, known := resources[l.Name]
	if !known {
		resource = -1
	}
	return shim.Limit{Name: l.Name, Resource: resource, Value: min(l.Value, uint64(unix.RLIM_INFINITY))}
}
