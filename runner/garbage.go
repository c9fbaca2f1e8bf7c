package runner

import (
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// memoryNet is what the collector keeps to in any case: a net for what cannot be foreseen.
	memoryNet = 512 << 20
	// loadPercent is how far the heap may grow while files are loaded. Left to itself it would grow to thrice of what
	// stays, strewn over pages that cannot be given back.
	loadPercent = 30
	// collectAt is how much garbage is let lie otherwise.
	collectAt = 8 << 20
)

// garbage decides when to collect. The collector runs by itself only during loads: it would wake an idle daemon every two
// minutes for nothing.
type garbage struct {
	loading atomic.Bool // from the beginning of a load until what it came to was handed to the disk
	live    uint64      // bytes after the last collection
}

// load has the collector run by itself, until loaded.
func (g *garbage) load() {
	g.loading.Store(true)
	debug.SetGCPercent(loadPercent)
}

func (g *garbage) loaded() {
	g.loading.Store(false)
	g.live = 0
}

// collect is called after work was done. Idle says that nothing of it is left.
func (g *garbage) collect(idle bool) {
	if !idle || g.loading.Load() || g.live > 0 && heapBytes()-g.live < collectAt {
		return
	}
	debug.SetGCPercent(-1)
	debug.FreeOSMemory()
	g.live = heapBytes()
}

func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
