//go:build !linux

package runner

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
)

// uptimeRaw is CLOCK_UPTIME_RAW of macOS, which does not count sleep.
const uptimeRaw = 8

// Without CLOCK_BOOTTIME, the monotonic clock replaces it. If it stops during sleep, sleep looks like a step of the
// wall clock.
func readClocks() core.Now {
	boot := clock(unix.CLOCK_MONOTONIC)
	mono := boot
	if runtime.GOOS == "darwin" { // there CLOCK_MONOTONIC counts sleep, see clock_gettime(3)
		mono = clock(uptimeRaw)
	}
	return core.Now{Wall: wallClock(), Boot: boot, Mono: mono}
}

// wallTimer does nothing here. The poll has a limit, and each turn compares the wall clock with the monotonic clock.
type wallTimer struct {
	fd      int
	stepped bool
}

const pollCap = time.Minute

func newWallTimer() (*wallTimer, error) { return &wallTimer{fd: -1}, nil }

func (t *wallTimer) arm(time.Time) error { return nil }
func (t *wallTimer) drain()              {}
func (t *wallTimer) close()              {}
