package joblog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTailLongLine: the tail of an output has whole lines. If its last line is too long for that, the tail has the end of it.
func TestTailLongLine(t *testing.T) {
	for _, test := range []struct {
		output, want string
		cut          bool
	}{
		{"", "", false},
		{"one\ntwo\n", "one\ntwo\n", false},
		{strings.Repeat("0123456789\n", 20), strings.Repeat("0123456789\n", 7), true},
		{"one\n" + strings.Repeat("x", 500) + "\n", strings.Repeat("x", 100-1) + "\n", true},
		{strings.Repeat("x", 500) + "\nlast\n", "last\n", true},
	} {
		path := filepath.Join(t.TempDir(), "x.log")
		const begin, end = "== run 7 started\n", "== run 7 exited\n"
		text := begin + test.output + end
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		got, cut, err := Tail(path, 7, Place{From: Position{Inode: st.Ino}, To: &Position{Inode: st.Ino, At: int64(len(text))}, Alone: true}, 100)
		if err != nil || string(got) != test.want || cut != test.cut {
			t.Errorf("%.40q: got %q, %v, %v, want %q, %v", test.output, got, cut, err, test.want, test.cut)
		}
	}
}
