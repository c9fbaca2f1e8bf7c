package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const showsUsage = true

// cpuOf returns the CPU time of a process, of all its threads that live or have ended. It reads the clock that
// clock_getcpuclockid(3) makes of a pid, because /proc counts in steps of 10 ms.
func cpuOf(pid int) float64 {
	const process = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|process), &ts); err != nil {
		return 0
	}
	return float64(ts.Nano()) / 1e9
}

// cpuOfAll returns the CPU times of a process and its descendants.
func cpuOfAll(pid int) usages {
	all := usages{}
	for _, p := range tree(pid) {
		all[p] = usage{cpu: cpuOf(p)}
	}
	return all
}

// childrenOf returns the CPU time of the children that a process has reaped, in steps of 10 ms.
func childrenOf(pid int) float64 {
	fields := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if len(fields) < 15 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[13], 64)
	system, _ := strconv.ParseFloat(fields[14], 64)
	return (user + system) / 100
}

// usageOfAll returns what a process and its descendants have used.
func usageOfAll(pid int) usages {
	all := usages{}
	for _, p := range tree(pid) {
		dir := fmt.Sprintf("/proc/%d", p)
		u := usage{cpu: cpuOf(p)}
		tasks, _ := filepath.Glob(dir + "/task/*/status")
		for _, task := range tasks {
			u.switches += procNumber(task, "voluntary_ctxt_switches:") + procNumber(task, "nonvoluntary_ctxt_switches:")
		}
		u.rss = procNumber(dir+"/status", "VmRSS:") * 1024
		u.pss = procNumber(dir+"/smaps_rollup", "Pss:") * 1024
		all[p] = u
	}
	return all
}

// procNumber returns the number after a name at the beginning of a line.
func procNumber(path, name string) float64 {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return n
		}
	}
	return 0
}

// tree returns a process and its descendants. Not every kernel lists the children of a process, so this looks at the
// parents of all.
func tree(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if fields := statFields(path); len(fields) > 1 {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// statFields returns the fields of a stat file of /proc that follow the name of the program. The first is the state.
func statFields(path string) []string {
	text, _ := os.ReadFile(path)
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}
