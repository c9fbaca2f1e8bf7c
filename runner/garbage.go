package runner

import (
	"runtime/debug"
	"runtime/metrics"
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

// wakeCollector has the garbage collector run by itself, for a load.
func wakeCollector() { debug.SetGCPercent(loadPercent) }

// garbage decides when to collect in between. The collector runs by itself only during loads: it would wake an idle
// daemon every two minutes for nothing.
type garbage struct {
	calm bool
	live uint64 // bytes after the last collection
}

// collect is called after work was done. Idle says that nothing of it is left.
func (g *garbage) collect(idle bool) {
	if !idle || g.calm && heapBytes()-g.live < collectAt {
		return
	}
	debug.SetGCPercent(-1)
	g.calm = true
	debug.FreeOSMemory()
	g.live = heapBytes()
}

func heapBytes() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
