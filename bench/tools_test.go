package main

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestStampProgram runs the job of the benchmarks, once as a job and once as a service.
func TestStampProgram(t *testing.T) {
	w := testBench(t)
	w.stamp = filepath.Join(w.scratch, "stamp")
	if err := w.buildStamp(t.Context(), ".."); err != nil {
		t.Skip("cannot build programs here: ", err)
	}
	stamps := filepath.Join(w.scratch, "stamps")
	if err := makeStamps(stamps); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for n, args := range [][]string{{w.stamp, stamps}, {w.stamp, stamps, "stay"}} {
		p, err := launch("stamp", syscall.SIGTERM, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer p.stop()
		if n == 0 {
			<-p.done // a job writes and ends
		}
		all, err := w.waitStamps(p, stamps, n+1)
		if err != nil {
			t.Fatal(err)
		}
		if s := all[n]; s.pid != p.pid() || s.at.Before(began) || s.at.After(time.Now()) {
			t.Errorf("got %v at %v, want %d since %v", s.pid, s.at, p.pid(), began)
		}
		if n == 1 && p.ended() {
			t.Error("the service has ended")
		}
	}
}
