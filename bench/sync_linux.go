package main

import (
	"os"
	"syscall"
)

// dataSync makes what was written to a file durable. It is not fsync, because the journal does without.
func dataSync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
