package main

// Usage is what a process has used so far.
type usage struct {
	cpu      float64 // seconds
	switches float64 // context switches of its threads
	rss, pss float64 // bytes
}

// usages are those of a process and its descendants, by pid.
type usages map[int]usage

// usedSince returns the CPU time in seconds that all processes have used since an earlier look. A process that was not
// there has started since then.
func usedSince(before, after usages) (used float64) {
	for pid, u := range after {
		used += u.cpu - before[pid].cpu
	}
	return used
}

func (all usages) total() (sum usage) {
	for _, u := range all {
		sum.cpu += u.cpu
		sum.switches += u.switches
		sum.rss += u.rss
		sum.pss += u.pss
	}
	return sum
}
