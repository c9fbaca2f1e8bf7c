package joblog

import "testing"

// TestLabelBehindTimestamp: the label of a run stands behind the timestamp, and a line of another run cannot forge it.
func TestLabelBehindTimestamp(t *testing.T) {
	const at = "2026-03-01T04:00:07.125+01:00 "
	for _, test := range []struct {
		line, want string
		own        bool
	}{
		{"[7] x", "x", true},
		{at + "[7] x", at + "x", true},
		{"2026-03-01T03:00:07.125Z [7] x", "2026-03-01T03:00:07.125Z x", true},
		{at + "[8] x", "", false},
		{at + "[8] [7] x", "", false},
		{"[8] " + at + "[7] x", "", false},
		{at + at + "[7] x", "", false},
		{"yesterday [7] x", "", false},
		{at, "", false},
		{"== run 7 exited 0", "== run 7 exited 0", true},
	} {
		lines := (&Log{}).LinesOf(Place{Mixed: &Position{}}, 7)
		got, own := lines.Own([]byte(test.line), 0)
		if own != test.own || own && string(got) != test.want {
			t.Errorf("Own(%q) = %q, %v, want %q, %v", test.line, got, own, test.want, test.own)
		}
	}
}
