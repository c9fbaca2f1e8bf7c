package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Jitter returns the delay of every slot of a job on a machine, in [0, limit) and in whole milliseconds. It depends only
// on its arguments, so restarts and reloads do not change it, and delays are spread evenly over machines and jobs. The
// slot keeps its instant; the job is due that much later, never earlier.
func Jitter(limit time.Duration, machineID, host, job string) time.Duration {
	if limit <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(machineID + "\x00" + host + "\x00" + job)) // no name contains a NUL
	share, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(limit))
	return time.Duration(share).Truncate(time.Millisecond)
}
