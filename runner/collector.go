package runner

import (
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"

	"jobsd/internal/machine"
)

const (
	// memoryNet is the memory limit of the collector, a safety net for the unforeseen.
	memoryNet = 512 << 20
	// loadPercent is how far the heap may grow while files are loaded. Without it, the heap would grow to three times
	// what remains, spread over pages that cannot be returned.
	loadPercent = 30
	// collectAt is how much garbage may accumulate otherwise.
	collectAt = 8 << 20
)

// collector decides when to collect. The collector runs by itself only during loads: otherwise it would wake an idle
// daemon every two minutes for nothing.
type collector struct {
	loading atomic.Bool // from the beginning of a load until its result was handed to the disk
	live    uint64      // bytes after the last collection
}

// load lets the collector run by itself until loaded.
func (g *collector) load() {
	g.loading.Store(true)
	debug.SetGCPercent(loadPercent)
}

func (g *collector) loaded() {
	g.loading.Store(false)
	g.live = 0
}

// collect is called after work was done. Idle says that no work is left.
func (g *collector) collect(idle bool) {
	if !idle || g.loading.Load() || g.live > 0 && heapBytes()-g.live < collectAt {
		return
	}
	debug.SetGCPercent(-1)
	debug.FreeOSMemory()
	machine.ReleaseProgram()
	g.live = heapBytes()
}

func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
