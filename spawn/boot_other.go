//go:build !linux

package spawn

import "errors"

// KeptBootID always fails on this system, which tells the time of its boot.
func KeptBootID(string) (string, error) {
	return "", errors.New("the system does not tell when it was booted")
}
