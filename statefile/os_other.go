//go:build !linux

package statefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// dataSync makes the contents of a file durable.
func dataSync(f *os.File) error { return f.Sync() }

// LockHolder returns 0, because only Linux reports the holder of a lock.
func LockHolder(*os.File) int { return 0 }

func dup(from, to int) error { return unix.Dup2(from, to) }
