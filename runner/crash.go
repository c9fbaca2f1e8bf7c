package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"jobsd/internal/durable"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// crash is the report that a daemon leaves for the next one when an internal error brings it down.
type crash struct {
	Job   string `json:"job"` // the job whose event was being handled; "" = none
	Text  string `json:"text"`
	Stack string `json:"stack"`
}

func crashFile(state string) string { return filepath.Join(state, "crash.json") }

// reportCrash writes a crash report if the loop panics, and panics again. The write may block, but the loop has ended
// anyway.
func (l *loop) reportCrash() {
	p := recover()
	if p == nil {
		return
	}
	c := crash{Job: l.core.InHand(), Text: fmt.Sprint(p), Stack: string(debug.Stack())}
	l.log.Error("crashing", "job", c.Job, "err", c.Text)
	if text, err := json.Marshal(c); err == nil {
		durable.WriteFile(crashFile(l.o.Dirs.State), text, 0o600)
	}
	panic(p)
}

// rescue keeps an error in one effect from ending all jobs. It logs the error and reports a start or a delivery as failed. The core
// has its own rescue.
func (l *loop) rescue(e core.Effect) {
	p := recover()
	if p == nil {
		return
	}
	l.log.Error("internal error", "effect", fmt.Sprintf("%T", e), "err", fmt.Sprint(p), "stack", string(debug.Stack()))
	switch e := e.(type) {
	case core.Fork:
		l.notStarted(e.Start.Run, &spawn.Error{Stage: spawn.StageInternal, Errno: syscall.EINVAL, Path: fmt.Sprint(p)})
	case core.Deliver:
		delete(l.delivering.sent, e.Number)
		l.handle(core.Delivered{Number: e.Number, Error: fmt.Sprintf("internal error: %v", p)})
	}
}

// lastCrash returns the crash report of the previous daemon and removes it.
func lastCrash(state string) (c crash) {
	text, err := os.ReadFile(crashFile(state))
	if err != nil {
		return c
	}
	os.Remove(crashFile(state))
	json.Unmarshal(text, &c) // a damaged report counts as none
	return c
}
