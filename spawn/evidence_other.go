//go:build !linux

package spawn

import "errors"

// Evidence is available on Linux only: elsewhere nothing proves that a run was never forked.
type Evidence struct{}

// ErrNotInMemory means that the run directory is on a disk.
var ErrNotInMemory = errors.New("the run directory is not on a tmpfs")

// OpenEvidence returns nil.
func OpenEvidence(_, _, _ string) (*Evidence, error) { return nil, nil }

// Close does nothing.
func (*Evidence) Close() {}

// Lost returns false.
func (*Evidence) Lost() bool { return false }

// Unforked does nothing.
func (*Evidence) Unforked(uint64) {}

func (*Evidence) forked(uint64, *Process) {}

// Of returns Unknown.
func (*Evidence) Of(uint64, string) (Stage, Process) { return Unknown, Process{FD: -1} }
