package runner

import (
	"testing"

	"jobsd/runner/core"
	"jobsd/statefile"
)

// TestPromisesAreDurable: an accepted delayed start survives a power failure, and so does its cancellation.
func TestPromisesAreDurable(t *testing.T) {
	for _, r := range []statefile.Record{&statefile.Disabled{}, &statefile.AllDisabled{}, &statefile.Later{}, &statefile.GaveUp{}} {
		facts := statefile.NewFacts("")
		promises, _ := openPromises(t.TempDir(), facts)
		d := &disk{outputs: newOutputs(facts), promises: promises}
		if d.do(core.Append{Entry: statefile.Entry{Record: r}}); !d.sync {
			t.Errorf("%s can be lost", r.Kind())
		}
	}
}
