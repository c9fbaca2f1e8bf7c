//go:build !linux

package spawn

import "fmt"

// CutLog always fails with ErrCannotCut on this system.
func CutLog(string, string) (int64, error) { return 0, fmt.Errorf("cannot cut log: %w", ErrCannotCut) }
