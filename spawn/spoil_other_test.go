//go:build !linux

package spawn

func spoilSignals() {}
func notifyHangup() {}
