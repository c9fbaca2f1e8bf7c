package runner

import (
	"testing"

	"jobsd/runner/core"
	"jobsd/statefile"
)

// TestPromisesAreDurable: what a person was promised holds over a power cut, and so does what they took back.
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
