//go:build !linux

package spawn

import "syscall"

// Cgroups are Linux's; here there are none.
type Cgroups struct{}

// OpenCgroups always fails on this system.
func OpenCgroups(string) (*Cgroups, error) { return nil, syscall.ENOTSUP }

// Make makes no leaf.
func (*Cgroups) Make(string) string { return "" }

// Leaf knows of none.
func (*Cgroups) Leaf(string) string { return "" }

// Drop does nothing.
func (*Cgroups) Drop(string) {}

// Close does nothing.
func (*Cgroups) Close() {}

func leaveLeaf(*Process) int { return 0 }

func forkIn(_, path string, argv []string, attr *syscall.ProcAttr) (int, string, error) {
	pid, err := syscall.ForkExec(path, argv, attr)
	return pid, "", err
}

// Sweep does nothing.
func (*Cgroups) Sweep() {}

// Populated is always false on this system.
func Populated(string) bool { return false }

// LeafLeader finds nobody.
func LeafLeader(string) (Process, bool) { return Process{FD: -1}, false }

// WatchLeaf is not used on this system.
func WatchLeaf(string) Process { return Process{FD: -1} }

// LeafEnded is always true on this system.
func LeafEnded(Process) bool { return true }

// Hunter finds nobody: what has left its process group cannot be told from others on this system.
type Hunter struct{}

// NewHunter returns one.
func NewHunter(*Cgroups) *Hunter { return &Hunter{} }

// Close does nothing.
func (*Hunter) Close() {}

// Hunt finds nobody.
func (*Hunter) Hunt([]Prey, syscall.Signal) Catch { return Catch{} }

// FindLeaders finds nobody.
func (*Hunter) FindLeaders([]string) map[string]Process { return nil }
