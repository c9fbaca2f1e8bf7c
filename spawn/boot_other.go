//go:build !linux

package spawn

import "errors"

// KeptBootID always fails on this system, because BootID can use the boot time here.
func KeptBootID(string) (string, error) {
	return "", errors.New("the system does not report its boot time")
}
