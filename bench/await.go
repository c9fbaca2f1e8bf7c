package main

import (
	"fmt"
	"time"
)

const (
	patience = 90 * time.Second // for anything that takes less than a few seconds on a quiet machine
	glance   = 5 * time.Millisecond
)

// patienceFor is for something that takes longer with more jobs.
func patienceFor(n int) time.Duration { return patience + time.Duration(n)*10*time.Millisecond }

// await waits until ok returns true.
func (w *bench) await(what string, limit time.Duration, ok func() (bool, error)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		if is, err := ok(); is || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("not seen within %v: %s", limit, what)
		case <-w.Done():
			return w.Err()
		}
	}
}

// until waits for an instant of the wall clock.
func (w *bench) until(at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.Done():
		return w.Err()
	}
}
