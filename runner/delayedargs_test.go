package runner

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"jobsd/statefile"
)

// TestDelayedArgs: arguments outlive the daemon, and are removed when their run is over, dropped or unknown.
func TestDelayedArgs(t *testing.T) {
	dir := t.TempDir()
	facts := statefile.NewFacts("")
	p, _ := openDelayedArgs(dir, facts)
	for run := uint64(1); run <= 4; run++ {
		l := statefile.Delayed{Job: "j", Run: run, Args: []string{"a b", "", "\n"}, HasArgs: true}
		if err := p.keep(l.Run, l.Args); err != nil {
			t.Fatal(err)
		}
		l.Args = nil // the journal does not contain them
		if run != 4 {
			delayed := append(statefile.Items(facts.Job("j").Delayed), l)
			facts.Job("j").Delayed = &delayed
		}
	}
	p.drop(1)
	left := func() (names []string) {
		entries, err := os.ReadDir(filepath.Join(dir, "delayed_starts"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if got := left(); !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("%q are left", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "delayed_starts", "3"), []byte(`["torn`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, args := openDelayedArgs(dir, facts)
	if got := args[2]; len(args) != 1 || !slices.Equal(got, []string{"a b", "", "\n"}) {
		t.Errorf("%v", args)
	}
	if got := left(); !slices.Equal(got, []string{"2"}) {
		t.Errorf("%q are left", got)
	}
	p.drop(2)
	if got := left(); got != nil {
		t.Errorf("%q are left", got)
	}
}
