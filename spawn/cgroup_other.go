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

// FindLeaders finds nobody.
func FindLeaders([]string, func(string) string) map[string]Process { return nil }

// Hunt finds nobody: what has left its process group cannot be told from others on this system.
func Hunt([]Prey, syscall.Signal) Catch { return Catch{} }
