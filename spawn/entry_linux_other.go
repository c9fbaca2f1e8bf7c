//go:build linux && !amd64

package spawn

// areaAddress returns 0: there is no entry point for this machine.
func areaAddress() uint64 { return 0 }
