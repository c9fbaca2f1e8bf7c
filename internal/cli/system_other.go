//go:build !linux

package cli

// zombie is always false: there is no way to detect a zombie here, and init reaps orphans.
func zombie(int) bool { return false }
