//go:build !linux

package runner

import (
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
)

// Without CLOCK_BOOTTIME the monotonic clock stands for it: sleep is then seen as a step of the wall clock.
func readClocks() core.Now {
	mono := clock(unix.CLOCK_MONOTONIC)
	return core.Now{Wall: wallClock(), Boot: mono, Mono: mono}
}

// wallTimer does nothing here: the poll is capped, and each turn compares the wall clock with the monotonic one.
type wallTimer struct{ fd int }

const pollCap = time.Minute

func newWallTimer() (*wallTimer, error) { return &wallTimer{fd: -1}, nil }

func (t *wallTimer) arm(time.Time) error { return nil }
func (t *wallTimer) drain()              {}
