//go:build !linux

package durable

import "errors"

// InMemory does not know on this system.
func InMemory(string) (bool, error) { return false, errors.ErrUnsupported }
