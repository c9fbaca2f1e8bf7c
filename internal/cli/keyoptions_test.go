package cli

import (
	"strings"
	"testing"

	"jobsd/internal/jobfile"
)

// TestKeyOptions: each key is an option of add, and none but --user is something else for other verbs.
func TestKeyOptions(t *testing.T) {
	root := (&app{}).command()
	add, _, err := root.Find([]string{"add"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range jobfile.Keys() {
		name := strings.TrimPrefix(optionOf(k.Name), "--")
		has := add.Flags().Lookup(name) != nil
		if want := k.Name != "cmd" && k.Type != "table"; k.Name != "name" && has != want { // --name is of standard input
			t.Errorf("%s of type %s: --%s is there: %t", k.Name, k.Type, name, has)
		}
		if root.PersistentFlags().Lookup(name) != nil && name != "user" {
			t.Errorf("--%s means something for all verbs", name)
		}
	}
}
