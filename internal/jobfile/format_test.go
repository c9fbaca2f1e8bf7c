package jobfile

import "testing"

func TestFormat(t *testing.T) {
	text, err := Format([]Pair{
		{"description", "all of \"it\"\nand more"},
		{"env", map[string]string{"LANG": "C", "A B": "x"}},
		{"cmd", []string{"backup", "b2", `sa\ve`}},
		{"nice", 5},
		{"at_boot", true},
		{"notify", map[string]any{"mail": []string{"ops@example.org"}}},
	})
	want := `description = "all of \"it\"\nand more"
cmd = ["backup", "b2", "sa\\ve"]
nice = 5
at_boot = true

[env]
"A B" = "x"
LANG = "C"

[notify]
mail = ["ops@example.org"]
`
	if err != nil || string(text) != want {
		t.Errorf("got %v\n%s", err, text)
	}
}
