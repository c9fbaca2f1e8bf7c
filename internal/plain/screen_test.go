package plain

import (
	"strings"
	"testing"
)

// TestScreen checks that a terminal shows the output of a job but does not obey it, in whatever pieces it arrives.
func TestScreen(t *testing.T) {
	const text = "größe\t\x1b[1;31mred\x1b[0m\r\n10%\r20%\x1b[2J\x1b]0;title\a\u009b31m\x9b\x7f\u202e\b\x1b[31;1Hx\n"
	const want = "größe\t\x1b[1;31mred\x1b[0m\r\n10%\\r20%\\x1b[2J\\x1b]0;title\\a\\u009b31m\\x9b\\x7f\\u202e\\b\\x1b[31;1Hx\n"
	for size := 1; size <= len(text); size++ {
		var got, out, held []byte
		for at := 0; at < len(text); at += size {
			out, held = Screen(append(held, text[at:min(at+size, len(text))]...))
			got = append(got, out...)
		}
		if string(got) != want || len(held) > 0 {
			t.Fatalf("in pieces of %d: %q, %q is held back, want %q", size, got, held, want)
		}
	}
	if out, held := Screen([]byte("\x1b[" + strings.Repeat("1", 1000))); len(held) > 0 {
		t.Errorf("%d bytes are held back, %d are shown", len(held), len(out))
	}
}
