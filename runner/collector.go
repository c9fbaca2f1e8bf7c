package runner

import (
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"jobsd/internal/machine"
)

const (
	// memoryNet is the memory limit of the collector, a safety net for the unforeseen.
	memoryNet = 512 << 20
	// loadPercent is how far the heap may grow while files are loaded. Without it, the heap would grow to three times
	// what remains, spread over pages that cannot be returned.
	loadPercent = 30
	// collectAt is how much garbage may accumulate otherwise, and collectQuiet how much when nothing has happened for
	// quietWait.
	collectAt    = 8 << 20
	collectQuiet = 1 << 20
	quietWait    = time.Second
)

// collector decides when to collect. The collector runs by itself only during loads: otherwise it would wake an idle
// daemon every two minutes for nothing.
type collector struct {
	loading atomic.Bool // from the beginning of a load until its result was handed to the disk
	live    int64       // bytes after the last collection
	again   bool        // the last collection came while the results of a load were still in use
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

// due reports whether to collect. Quiet says that nothing has happened for quietWait.
func (g *collector) due(quiet bool) bool {
	if g.loading.Load() {
		return false
	}
	garbage := heapBytes() - g.live
	return g.live == 0 || garbage >= collectAt || quiet && (g.again || garbage >= collectQuiet)
}

// collect returns all unused memory to the system.
func (g *collector) collect(quiet bool) {
	debug.SetGCPercent(-1)
	debug.FreeOSMemory()
	g.again = g.live == 0 && !quiet
	g.live = heapBytes()
	machine.ReleaseProgram() // last, because the code that runs afterwards is mapped again
}

func heapBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
