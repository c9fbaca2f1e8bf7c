package cli

import (
	"strings"
	"testing"

	"jobsd/internal/jobfile"
)

// TestKeyOptions checks that each key is an option of add, and that only --user means something else for other verbs.
func TestKeyOptions(t *testing.T) {
	root := (&app{}).command()
	add, _, err := root.Find([]string{"add"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range jobfile.Keys() {
		name := strings.TrimPrefix(optionOf(k.Name), "--")
		has := add.Flags().Lookup(name) != nil
		if want := k.Name != "cmd" && k.Type != "table"; k.Name != "name" && has != want { // --name is for standard input
			t.Errorf("%s of type %s: has --%s: %t", k.Name, k.Type, name, has)
		}
		if root.PersistentFlags().Lookup(name) != nil && name != "user" {
			t.Errorf("--%s means something for all verbs", name)
		}
	}
}
