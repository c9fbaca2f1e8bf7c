package core

import (
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

func newGate(most, share int) *gate {
	return &gate{most: most, share: share, locks: map[string]uint64{}, inside: map[uint64]claim{}}
}

// TestGate says what holds back run 10.
func TestGate(t *testing.T) {
	lock, service, catchUp := claim{lock: "db"}, claim{service: true}, claim{catchUp: true}
	for name, c := range map[string]struct {
		run      candidate
		siblings []sibling
		inside   []claim // of runs 1, 2, ... of other jobs
		again    bool    // it was let in before
		want     statefile.Why
	}{
		"nothing":                      {},
		"a live run":                   {run: candidate{alone: true}, siblings: []sibling{{number: 9, stage: lives}}, want: statefile.WhyOverlap},
		"a live run beside it":         {siblings: []sibling{{number: 9, stage: lives}}},
		"leftovers":                    {siblings: []sibling{{number: 9, stage: drains}}, want: statefile.WhyDraining},
		"the run before it":            {run: candidate{queues: true}, siblings: []sibling{{number: 9, queues: true, why: statefile.WhyLock}}, want: statefile.WhyLock},
		"the run after it":             {run: candidate{queues: true}, siblings: []sibling{{number: 11, queues: true, why: statefile.WhyLock}}},
		"a retry":                      {run: candidate{queues: true}, siblings: []sibling{{number: 9, why: statefile.WhyRetry}}},
		"a retry need not wait":        {siblings: []sibling{{number: 9, queues: true, why: statefile.WhyLock}}},
		"the lock":                     {run: candidate{claim: lock}, inside: []claim{lock}, want: statefile.WhyLock},
		"another lock":                 {run: candidate{claim: lock}, inside: []claim{{lock: "disk"}}},
		"no lock":                      {inside: []claim{lock, {}}},
		"max_running":                  {inside: []claim{{}, {}, {}}, want: statefile.WhyMaxRunning},
		"services do not count":        {inside: []claim{{}, {}, service, service}},
		"max_running and a service":    {run: candidate{claim: service}, inside: []claim{{}, {}, {}}},
		"it is inside":                 {again: true, inside: []claim{{}, {}, {}}},
		"catch-up":                     {run: candidate{claim: catchUp}, inside: []claim{catchUp}},
		"catch-up, share taken":        {run: candidate{claim: catchUp}, inside: []claim{catchUp, catchUp}, want: statefile.WhyCatchUp},
		"catch-up, delay":              {run: candidate{claim: catchUp, notBefore: time.Minute + 1}, want: statefile.WhyCatchUp},
		"catch-up, delay over":         {run: candidate{claim: catchUp, notBefore: time.Minute}},
		"others ignore the share":      {inside: []claim{catchUp, catchUp}},
		"the lock before the share":    {run: candidate{claim: claim{lock: "db", catchUp: true}}, inside: []claim{{"db", false, true}, catchUp}, want: statefile.WhyLock},
		"siblings before other jobs":   {run: candidate{claim: lock, alone: true}, siblings: []sibling{{number: 9, stage: lives}}, inside: []claim{lock}, want: statefile.WhyOverlap},
		"leftovers of a run in a lock": {run: candidate{claim: lock}, siblings: []sibling{{number: 1, stage: drains}}, inside: []claim{lock}, want: statefile.WhyDraining},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(3, 2)
			for i, claim := range c.inside {
				g.enter(uint64(i+1), claim)
			}
			c.run.number = 10
			if c.again {
				g.enter(10, c.run.claim)
			}
			if got, _ := g.why(c.run, c.siblings, time.Minute); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestGateLeaves: what a run occupies is free when it has left, and neither counts twice.
func TestGateLeaves(t *testing.T) {
	g, all := newGate(1, 1), claim{lock: "db", catchUp: true}
	for range 2 {
		g.enter(1, all)
	}
	g.enter(2, claim{lock: "db"}) // an earlier daemon started both
	for range 2 {
		g.leave(1)
	}
	g.leave(3)
	if g.running != 1 || g.catching != 0 || len(g.inside) != 1 || g.locks["db"] != 0 {
		t.Errorf("%+v", g)
	}
	if g.leave(2); g.running != 0 || len(g.inside) != 0 {
		t.Errorf("%+v", g)
	}
}

func TestRoomBeside(t *testing.T) {
	for name, c := range map[string]struct {
		siblings []sibling
		want     map[jobfile.Overlap]room
	}{
		"no run":        {nil, map[jobfile.Overlap]room{jobfile.Skip: hasRoom, jobfile.Queue: hasRoom, jobfile.Replace: hasRoom, jobfile.Allow: hasRoom}},
		"leftovers":     {[]sibling{{stage: drains}}, map[jobfile.Overlap]room{jobfile.Skip: hasRoom, jobfile.Queue: hasRoom, jobfile.Replace: hasRoom, jobfile.Allow: hasRoom}},
		"a live run":    {[]sibling{{stage: lives}}, map[jobfile.Overlap]room{jobfile.Skip: noRoom, jobfile.Queue: hasRoom, jobfile.Replace: replace, jobfile.Allow: hasRoom}},
		"a pending run": {[]sibling{{stage: waits}}, map[jobfile.Overlap]room{jobfile.Skip: noRoom, jobfile.Queue: noRoom, jobfile.Replace: replace, jobfile.Allow: hasRoom}},
		"a queue":       {[]sibling{{stage: lives}, {stage: waits}}, map[jobfile.Overlap]room{jobfile.Skip: noRoom, jobfile.Queue: noRoom, jobfile.Replace: replace, jobfile.Allow: hasRoom}},
	} {
		for overlap, want := range c.want {
			if got := roomBeside(c.siblings, overlap); got != want {
				t.Errorf("%s, %v: %d, want %d", name, overlap, got, want)
			}
		}
	}
}
