package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestManyTroubles: of the trouble of very many jobs, the state file shows a part and says how much more there is.
func TestManyTroubles(t *testing.T) {
	w := calmWorld(t, "2026-05-05 11:00:00")
	w.start()
	const n = 1000
	for i := range n {
		w.handle(Trouble{Part: fmt.Sprint("log ", i), Text: fmt.Sprintf("cannot write log %03d", i)})
	}
	list := w.c.degraded()
	if len(list) != maxDegraded+1 || list[0] != "cannot write log 000" || list[maxDegraded] != "and 900 more, which are in the log of the daemon" {
		t.Errorf("%d: %s ... %s", len(list), list[0], list[len(list)-1])
	}
	for i := range n - 3 {
		w.handle(Trouble{Part: fmt.Sprint("log ", n-1-(i*7)%n)})
		if kept := len(w.c.troubles.list); kept > 2*(n-i) {
			t.Fatalf("%d are kept after %d of %d have ended", kept, i+1, n)
		}
	}
	if list := w.c.degraded(); len(list) != 3 || !slices.IsSorted(list) {
		t.Errorf("left: %s", strings.Join(list, ", "))
	}
}
