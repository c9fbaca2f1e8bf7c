package shim

import "syscall"

// set sets the limit of this process with syscall.Setrlimit. Go restores the soft nofile limit at exec unless the
// program changed it with that function.
func (l Limit) set() error {
	if l.Resource < 0 {
		return syscall.EINVAL
	}
	var r syscall.Rlimit
	assign(&r.Cur, l.Value)
	assign(&r.Max, l.Value)
	return syscall.Setrlimit(l.Resource, &r)
}

// assign hides that systems use different types for a limit.
func assign[T int64 | uint64](to *T, value uint64) { *to = T(value) }
