//go:build !linux

package main

// Other systems do not show what another process has used so far in this way.
const showsUsage = false

func cpuOfAll(int) usages    { return nil }
func usageOfAll(int) usages  { return nil }
func childrenOf(int) float64 { return 0 }
