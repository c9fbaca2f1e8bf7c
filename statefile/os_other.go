//go:build !linux

package statefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// dataSync makes the contents of a file durable.
func dataSync(f *os.File) error { return f.Sync() }

func dup(from, to int) error { return unix.Dup2(from, to) }
