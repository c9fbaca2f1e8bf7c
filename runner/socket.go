package runner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"jobsd/internal/control"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// denialPause is how long denied connections are only counted before the next log line about them, so that they cannot
// fill the log.
const denialPause = time.Minute

// denials are the connections of users without permission.
type denials struct {
	logged time.Duration // the last line, monotonic
	silent int           // connections without a line since then
}

// listens reports whether the control socket is served. It is not before the jobs are known, because every order would
// fail.
func (l *loop) listens() bool {
	_, ready := l.core.Ready()
	return ready && l.socket != nil
}

// mendRun creates the control socket and the pid file again if they were removed, or the whole run directory.
func (l *loop) mendRun() {
	if l.socket == nil || !l.socket.Lost() {
		return
	}
	err := makeDirs(l.o.Dirs)
	if err == nil {
		err = l.socket.Remake(l.o.Dirs.Run)
	}
	if err == nil {
		err = statefile.WritePID(l.o.Dirs.Run)
	}
	if err != nil {
		l.handle(core.Trouble{Part: "control", Text: err.Error()})
		return
	}
	l.log.Warn("recreated the control socket, which had been removed")
	l.handle(core.Trouble{Part: "control"})
}

// commands handles the requests on the control socket.
func (l *loop) commands() {
	if !l.listens() {
		return
	}
	ready := l.polls[min(len(l.polls), fixedPolls+len(l.polled)):]
	for _, call := range l.socket.Turn(l.sys.now().Mono, ready) {
		if call.Denied {
			l.denied(call)
		} else {
			l.obey(call)
		}
	}
}

func (l *loop) denied(c control.Call) {
	now := l.sys.now().Mono
	if l.denials.logged != 0 && now-l.denials.logged < denialPause {
		l.denials.silent++
		return
	}
	l.log.Warn("refused a connection", "pid", c.PID, "uid", c.UID, "program", cmp.Or(c.Program, unknown), "more_since", l.denials.silent)
	l.denials = denials{logged: now}
}

func (l *loop) obey(c control.Call) {
	line := []any{"verb", c.Verb}
	if c.Job != "" || c.All {
		line = append(line, "job", cmp.Or(c.Job, "all"))
	}
	l.log.Info("command", append(line, "pid", c.PID, "uid", c.UID, "program", cmp.Or(c.Program, unknown))...)
	if c.Verb == control.Signal && spawn.SignalNumber(c.Signal) == 0 {
		l.socket.Answer(l.sys.now().Mono, c.ID, control.Response{Last: true,
			Error: &control.Error{Code: control.BadRequest, Text: fmt.Sprintf("no signal is called %q", c.Signal)}})
		return
	}
	switch c.Verb {
	case control.Stop, control.Reload, control.Upgrade: // this may take long, and the client must know that the daemon has read the request
		l.socket.Answer(l.sys.now().Mono, c.ID, control.Response{})
	}
	if c.Verb == control.Upgrade {
		l.upgrade(c.ID)
		return
	}
	l.handle(core.Order{ID: c.ID, Verb: core.Verb(c.Verb), Job: c.Job, Run: c.Run, Args: c.Args, Wait: c.Wait,
		In: c.In, Reason: c.Reason, Until: c.Until, Signal: c.Signal, Group: c.Group, By: l.who(c.UID)})
	if c.Verb == control.Reload {
		l.loader.request() // only now, so that this load begins after the order
	}
}

func (l *loop) answer(a core.Answer) {
	if l.socket == nil {
		return
	}
	now := l.sys.now()
	r := control.Response{Run: a.Run, Runs: a.Runs, Last: a.Last, Uptime: (now.Boot - l.began).Truncate(time.Microsecond), Started: l.daemon.StartedAt.String()}
	l.answered = true
	if a.Refused != nil {
		r.Error = &control.Error{Code: control.Refused, Text: a.Refused.Text}
		if a.Refused.NoJob {
			r.Error.Code = control.NoJob
		}
	}
	if a.Reload != nil {
		r.Reload = reloaded(a.Reload)
	}
	if a.Outcome != nil {
		outcome, err := json.Marshal(a.Outcome)
		if err != nil {
			panic(err) // cannot happen, because the state file holds the same data
		}
		r.Outcome = outcome
	}
	l.socket.Answer(now.Mono, a.ID, r)
}

// reloaded returns the result of a load for the client.
func reloaded(r *core.LoadResult) *control.Reloaded {
	c := &control.Reloaded{New: r.New, Changed: r.Changed, Removed: r.Removed, Unchanged: r.Unchanged, Refused: r.Refused,
		ChangedJobs: r.ChangedJobs, Settings: r.Settings}
	for _, e := range r.Errors {
		c.Errors = append(c.Errors, control.Mistake{File: e.File, Line: e.Line, Column: e.Column, Key: e.Key, Text: e.Text})
	}
	return c
}
