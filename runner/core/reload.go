package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// reload is a client that waits for the next load.
type reload struct {
	o  Order
	at time.Duration // boot clock
}

// LoadResult is what a load did.
type LoadResult struct {
	statefile.Reloaded
	Unchanged int // number of jobs
	Errors    []*jobfile.Error
}

// answerReloads answers the clients that asked before this load began. A load that began earlier may have missed
// changes, so the other clients wait for the next one.
func (c *Core) answerReloads(begun time.Duration, result *LoadResult) {
	var wait []reload
	for _, r := range c.loaded.clients {
		if r.at > begun {
			wait = append(wait, r)
			continue
		}
		c.emit(Answer{ID: r.o.ID, Reload: result, Last: true})
	}
	c.loaded.clients = wait
}

// refuseReloads answers the clients whose load will not come because the daemon shuts down.
func (c *Core) refuseReloads() {
	for _, r := range c.loaded.clients {
		c.refuse(r.o, shuttingDown)
	}
	c.loaded.clients = nil
}
