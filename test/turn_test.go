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

// measured tells at the end how long the longest turn of all daemons was that ended in order: while it lasts, a daemon
// hears nothing. Nothing is asserted of it, as it counts what the machine had to do besides.
type measured struct{ *testing.M }

func (m measured) Run() int {
	syscall.Umask(0o22) // what the scripts unpack must be trusted, whatever the tester's umask; a daemon gets its starter's
	unignore()
	defer testdir.Open()()
	code := m.M.Run()
	turns.Lock()
	defer turns.Unlock()
	fmt.Printf("longest turn of the loop in %d daemons: %v (%s)\n", turns.daemons, turns.longest, turns.where)
	return code
}

// unignore has what the tests start not inherit that signals are ignored, as they are below nohup(1) and in the
// background of a shell without job control. The tests themselves go on ignoring them.
func unignore() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s) // a signal that is caught is as usual in what is executed
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

// noteTurns takes in what the daemons of a log said of their longest turn.
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
