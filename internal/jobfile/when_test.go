package jobfile

import "testing"

func TestWhen(t *testing.T) {
	for text, want := range map[string]string{
		`start_at = "4:35am"`: "every day at 04:35",
		"every = \"10m\"\nat_boot = true\nafter = [\"a\", \"b\"]": "every 10 minutes, also at boot and after a and b",
		"at_boot = true":    "at boot",
		`after = ["a"]`:     "after a",
		"keep_alive = true": "service",
		"":                  "only when asked",
	} {
		if got := only(t, "one.toml", "cmd = [\"x\"]\n"+text).When(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
