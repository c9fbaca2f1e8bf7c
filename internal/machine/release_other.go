//go:build !linux

package machine

func ReleaseProgram() {}
