package main

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

// TestUsage looks at this process and a child of it.
func TestUsage(t *testing.T) {
	p, err := launch("sleep", syscall.SIGTERM, "sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	self := os.Getpid()
	if all := tree(self); !slices.Contains(all, self) || !slices.Contains(all, p.pid()) {
		t.Errorf("tree: got %v, want %d and %d", all, self, p.pid())
	}
	before := cpuOfAll(self)
	sum := 0
	for usedSince(before, cpuOfAll(self)) < 0.01 { // reading /proc is work enough
		sum++
	}
	all := usageOfAll(self)
	own := all[self]
	if least := before[self].cpu; own.cpu <= least || own.rss <= 0 || own.switches <= 0 {
		t.Errorf("got %+v after %v s and %d looks", own, least, sum)
	}
	if total := all.total(); total.rss < own.rss+all[p.pid()].rss {
		t.Errorf("the total %+v is less than its parts %+v", total, all)
	}
}
