package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/google/renameio/v2"

	"jobsd/runner/core"
	"jobsd/spawn"
)

// crash is what a daemon leaves behind that is brought down by a mistake of its own, for the next one to learn from.
type crash struct {
	Job   string `json:"job"` // whose event was being handled; "": none
	Text  string `json:"text"`
	Stack string `json:"stack"`
}

func crashFile(state string) string { return filepath.Join(state, "crash.json") }

// confess notes which job the loop was busy with when it panicked, and panics on. A write that may block is no harm to a
// loop that has ended.
func (l *loop) confess() {
	p := recover()
	if p == nil {
		return
	}
	c := crash{Job: l.core.InHand(), Text: fmt.Sprint(p), Stack: string(debug.Stack())}
	l.log.Error("crashing", "job", c.Job, "err", c.Text)
	if text, err := json.Marshal(c); err == nil {
		renameio.WriteFile(crashFile(l.o.Dirs.State), text, 0o600, renameio.WithTempDir(l.o.Dirs.State))
	}
	panic(p)
}

// rescue keeps a mistake over one effect from being the end of all jobs: it is said, and what was not started is told so.
// The core has its own for what goes wrong in it.
func (l *loop) rescue(e core.Effect) {
	p := recover()
	if p == nil {
		return
	}
	l.log.Error("internal error", "effect", fmt.Sprintf("%T", e), "err", fmt.Sprint(p), "stack", string(debug.Stack()))
	if f, ok := e.(core.Fork); ok {
		l.notStarted(f.Start.Run, &spawn.Error{Stage: spawn.StageInternal, Errno: syscall.EINVAL, Path: fmt.Sprint(p)})
	}
}

// lastCrash returns what the daemon before this one left, and takes it away.
func lastCrash(state string) (c crash) {
	text, err := os.ReadFile(crashFile(state))
	if err != nil {
		return c
	}
	os.Remove(crashFile(state))
	json.Unmarshal(text, &c) // of a damaged one nothing is known
	return c
}
