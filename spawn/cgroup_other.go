//go:build !linux

package spawn

import "syscall"

// Cgroups is empty on this system, because only Linux has cgroups.
type Cgroups struct{}

// OpenCgroups always fails on this system.
func OpenCgroups(string) (*Cgroups, error) { return nil, syscall.ENOTSUP }

// Leaf is not used on this system.
type Leaf struct{}

// Path is always empty on this system.
func (*Leaf) Path() string { return "" }

// Make makes no leaf on this system.
func (*Cgroups) Make(string) *Leaf { return nil }

// Measure does nothing.
func (*Cgroups) Measure() {}

// Give does nothing.
func (*Cgroups) Give(*Leaf) {}

// Release does nothing.
func (*Cgroups) Release(*Process) {}

// Shrink does nothing.
func (*Cgroups) Shrink() bool { return false }

// Spare is always false on this system.
func (*Cgroups) Spare() bool { return false }

// ForSearch returns a copy of the process.
func (p *Process) ForSearch() Process { return *p }

// Leaf finds no leaf on this system.
func (*Cgroups) Leaf(string) string { return "" }

// Drop does nothing.
func (*Cgroups) Drop(string) {}

// Close does nothing.
func (*Cgroups) Close() {}

func leaveLeaf(*Process) int { return 0 }

func (c *Command) forkIn(path string, argv []string, attr *syscall.ProcAttr) (int, *Leaf, error) {
	pid, err := syscall.ForkExec(path, argv, attr)
	return pid, nil, err
}

// Sweep does nothing.
func (*Cgroups) Sweep() {}

// Populated is always false on this system.
func Populated(string) bool { return false }

// LeafLeader finds no process on this system.
func LeafLeader(string) (Process, bool) { return Process{FD: -1}, false }

// WatchLeaf is not used on this system.
func WatchLeaf(string) Process { return Process{FD: -1} }

// LeafEnded is always true on this system.
func LeafEnded(Process) bool { return true }

// Searcher finds no process on this system: nothing shows which run a process belongs to once it has left its process
// group.
type Searcher struct{}

// NewSearcher returns a Searcher that finds nothing.
func NewSearcher(*Cgroups) *Searcher { return &Searcher{} }

// Close does nothing.
func (*Searcher) Close() {}

// Signal finds no process on this system.
func (*Searcher) Signal([]Search, syscall.Signal) Findings { return Findings{} }

// FindLeaders finds no process on this system.
func (*Searcher) FindLeaders([]string) map[string]Process { return nil }
