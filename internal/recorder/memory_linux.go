package recorder

import "golang.org/x/sys/unix"

// NewMemory returns a descriptor of new memory for a recorder.
func NewMemory() (int, error) { return unix.MemfdCreate("jobsd recorder", unix.MFD_CLOEXEC) }
