package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Jitter returns the delay, in [0, max) and in whole milliseconds, by which every slot of a job is put off on a
// machine. It depends on nothing but its arguments, so that it outlives restarts and reloads, and is spread evenly over
// machines and jobs. The slot keeps its instant; it is due that much later, never earlier.
func Jitter(max time.Duration, machineID, host, job string) time.Duration {
	if max <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(machineID + "\x00" + host + "\x00" + job)) // no name has a NUL in it
	share, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(max))
	return time.Duration(share).Truncate(time.Millisecond)
}
