package test

import (
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/testdir"
)

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

var turns struct {
	sync.Mutex
	daemons int
	longest time.Duration
	where   string
}

var turnLine = regexp.MustCompile(` ended: longest_turn=(\S+)`)

// noteTurns reads the longest turns of daemons from their log.
func noteTurns(where, log string) {
	text, err := os.ReadFile(log)
	if err != nil {
		return
	}
	turns.Lock()
	defer turns.Unlock()
	for _, m := range turnLine.FindAllSubmatch(text, -1) {
		turns.daemons++
		if d, err := time.ParseDuration(string(m[1])); err == nil && d > turns.longest {
			turns.longest, turns.where = d, where
		}
	}
}
