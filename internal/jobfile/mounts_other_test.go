//go:build !linux

package jobfile

func setMount(*mounts, string, bool) {}
