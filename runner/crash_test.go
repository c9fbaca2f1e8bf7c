package runner

import (
	"os"
	"syscall"
	"testing"
)

// TestCrashReport: only the daemon's user can read the crash report, because nobody knows what it contains. The next
// start removes it.
func TestCrashReport(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	l, _ := testLoop(t, 1)
	l.o.Dirs.State = t.TempDir()
	func() {
		defer func() {
			if p := recover(); p != "oops" {
				t.Errorf("it panicked on with %v", p)
			}
		}()
		defer l.reportCrash()
		panic("oops")
	}()
	info, err := os.Stat(crashFile(l.o.Dirs.State))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if c := lastCrash(l.o.Dirs.State); c.Text != "oops" || c.Stack == "" {
		t.Errorf("%+v", c)
	}
	if c := lastCrash(l.o.Dirs.State); c != (crash{}) {
		t.Errorf("the crash was reported twice: %+v", c)
	}
}
