//go:build !linux

package spawn

import "fmt"

// CopyFront always fails with ErrCannotCut on this system.
func CopyFront(string, string, int64, int) (Front, error) {
	return Front{}, fmt.Errorf("cannot cut log: %w", ErrCannotCut)
}

// CutFront always fails with ErrCannotCut on this system.
func CutFront(string, Front) error { return fmt.Errorf("cannot cut log: %w", ErrCannotCut) }
