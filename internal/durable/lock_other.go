//go:build !linux

package durable

import "os"

// Holder returns 0, because only Linux reports the holder of a lock.
func Holder(*os.File) int { return 0 }
