package spawn

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A child starts with its own score, and so do all processes that it starts, however early. Not every user may lower
// a score, so in this test the child's score is above zero.
func TestOOMScoreIsLent(t *testing.T) {
	const file = "/proc/self/oom_score_adj"
	own := strings.TrimSpace(readFile(file))
	defer func(was oomScore) { oom = was }(oom)
	for _, score := range []string{"300", "400"} {
		fd, err := unix.Open(file, unix.O_RDWR|unix.O_CLOEXEC, 0)
		must(err)
		defer unix.Close(fd)
		oom = oomScore{fd, own, score}
		paths(t, func(t *testing.T, local bool) {
			if got := output(t, program("/bin/cat", file), local); got != score+"\n" {
				t.Errorf("the child has %s, want %s", got, score)
			}
		})
		if now := strings.TrimSpace(readFile(file)); now != own {
			t.Errorf("the daemon has %s, had %s", now, own)
		}
	}
}

func TestScoreOfChildren(t *testing.T) {
	for own, want := range map[string]string{"-1000": "0", "-500": "0", "-1": "0", "0": "0", "200": "200", "": ""} {
		if got := scoreOfChildren(own); got != want {
			t.Errorf("%q: %q, want %q", own, got, want)
		}
	}
}
