package test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata" // as in main.go

	"github.com/rogpeppe/go-internal/testscript"

	"jobsd/internal/notify"
	"jobsd/internal/testdir"
)

var long = flag.Bool("long", false, "also run what takes a minute or more")

// waitLimit limits how long a test waits for a condition before it fails. It says nothing about how long things may
// take.
const waitLimit = time.Minute

// TestMain also is the main function of the programs jobsd and misbehave: they are this binary under other names.
func TestMain(m *testing.M) {
	notify.Stage("test")
	if os.Getenv("GORACE") == "" { // with the race detector, each command would sleep for a second before it exits
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	// Scripts wait most of the time, so many of them can run at once.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	testscript.Main(turnReporter{m}, map[string]func(){"jobsd": jobsdMain, "misbehave": misbehave})
}

// turnReporter prints, at the end of all tests, the longest turn of the loop of all daemons that exited normally.
// During a turn, a daemon answers nobody. The tests do not check it, because it depends on the load of the machine.
type turnReporter struct{ *testing.M }

func (m turnReporter) Run() int {
	syscall.Umask(0o22) // only the owner may write the files of scripts, whatever umask the tests are started with
	unignore()
	defer testdir.Open()()
	code := m.M.Run()
	turns.Lock()
	defer turns.Unlock()
	fmt.Printf("longest turn of the loop in %d daemons: %v (%s)\n", turns.daemons, turns.longest, turns.where)
	return code
}

// unignore keeps daemons from inheriting ignored signals, which the tests may have from nohup(1) or from a shell
// without job control. The tests themselves still ignore them.
func unignore() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s) // an exec resets a signal that is caught to its default
		}
	}
}

// needRoot skips a test that only root can run. why says what root is needed for.
func needRoot(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(why)
	}
}

// needLinux skips a test on other systems. why says what they lack.
func needLinux(t testing.TB, why string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip(why)
	}
}

// needProgram returns the path of a program, or skips a test without it. why says what the program is needed for.
func needProgram(t testing.TB, name, why string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(why, ": ", err)
	}
	return path
}
