package test

import (
	"os"
	"regexp"
	"sync"
	"time"
)

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
