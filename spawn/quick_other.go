//go:build !linux

package spawn

import "jobsd/spawn/shim"

// quick returns -1: there are no quick shims on this system.
func quick(*Command, *shim.Instructions) int { return -1 }

const quickArg = ""

func prepareQuick() {}
