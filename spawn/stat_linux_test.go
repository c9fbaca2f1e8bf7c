package spawn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program's name may look like the rest of the line.
func TestStartTimeOfOddName(t *testing.T) {
	odd := filepath.Join(openDir(t), "x) Z 1 (y")
	sleep, err := filepath.EvalSymlinks("/bin/sleep")
	must(err)
	if strings.HasSuffix(sleep, "busybox") {
		t.Skip("busybox chooses its command by the program's name")
	}
	must(os.Symlink(sleep, odd))
	before, err := StartTime(os.Getpid())
	must(err)
	p := mustLaunch(t, program(odd, "1000"), true)
	if start, err := StartTime(p.PID); err != nil || start < before {
		t.Errorf("StartTime = %d, %v; own %d", start, err, before)
	}
	if s, err := parseStat(readFile(fmt.Sprintf("/proc/%d/stat", p.PID))); err != nil || s.State == 'Z' {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := StartTime(1<<22 + 1); err == nil {
		t.Error("StartTime of a pid that does not exist: no error")
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 42 0 0")
	f.Add("7 (a) b) Z 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 18446744073709551615 0 0")
	f.Add("7 (x")
	f.Add(")")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStat(text)
		if err != nil && s != (stat{}) {
			t.Errorf("%+v with error", s)
		}
		if err == nil && len(strings.Fields(text[strings.LastIndex(text, ")")+1:])) < 20 {
			t.Errorf("%q: no field 22, no error", text)
		}
	})
}
