//go:build !linux

package trust

// There are no user namespaces.
func idsOf(string) ids { return ids{-1} }

// ReadOnly is known on Linux only.
func ReadOnly(string) bool { return false }

// ReadOnlyFD is known on Linux only.
func ReadOnlyFD(int) bool { return false }
