package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
	"jobsd/internal/jobfile"
)

const reloadHelp = `jobsd reload - make the daemon read its job files again, and print what changed

usage: jobsd reload [--timeout DURATION] [--json]

Waits until the daemon has read the files in their present state, and prints
what changed and what was refused; exits 1 if anything was refused. A refused
file stops nothing: the daemon uses the last good version of its jobs.
Notifications that wait for their next attempt are sent at once.
`

func (a *app) reload() *cobra.Command {
	timeout := reloadTime
	return a.verb(reloadHelp, arguments{}, a.here(func(s *site, _ []string) error { return a.doReload(s, timeout) }),
		opt("timeout", aDuration, &timeout, "wait at most this long; the default is 30s"),
		a.jsonOption(`print {"new", "changed", "removed", "refused", "errors", "changed_jobs", "settings"}: numbers of jobs, the errors of
			refused files, the names of changed jobs (not all of them if there are many), and the keys of jobsd.toml that changed`))
}

// reloadTime is how long a verb waits for the daemon to reload.
const reloadTime = 30 * time.Second

func (a *app) doReload(s *site, timeout time.Duration) error {
	r, err := s.reload(timeout)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(r)
	} else {
		fmt.Fprintln(a.out, r.summary())
		writeErrors(a.out, paletteFor(a.out), r.Errors)
	}
	return orUnwell(err, len(r.Errors) > 0)
}

// reloadResult is the JSON of reload.
type reloadResult struct {
	New     int      `json:"new"`
	Changed int      `json:"changed"`
	Removed int      `json:"removed"`
	Refused int      `json:"refused"`
	Errors  []string `json:"errors"`

	ChangedJobs []string `json:"changed_jobs"`
	Settings    []string `json:"settings"`

	mistakes []control.Mistake
}

func resultOf(r *control.Reloaded) *reloadResult {
	result := &reloadResult{New: r.New, Changed: r.Changed, Removed: r.Removed, Refused: r.Refused, Errors: []string{},
		ChangedJobs: append([]string{}, r.ChangedJobs...), Settings: append([]string{}, r.Settings...), mistakes: r.Errors}
	for _, m := range r.Errors {
		e := jobfile.Error{File: m.File, Line: m.Line, Column: m.Column, Key: m.Key, Text: m.Text}
		result.Errors = append(result.Errors, e.Error())
	}
	return result
}

// reload makes the daemon reload its files and returns the result. An upgrade ends the connection; then reload asks the
// new program.
func (s *site) reload(timeout time.Duration) (*reloadResult, error) {
	deadline := time.Now().Add(timeout)
	for {
		answer, err := s.askReload(deadline)
		var refused *control.Error
		switch {
		case err == nil:
			s.seen(answer)
			return resultOf(answer.Reload), nil
		case errors.As(err, &refused) && refused.Code == control.Refused: // it shuts down
			return nil, fail(exitNoDaemon, "", "cannot reload: %w", refused)
		case !time.Now().Before(deadline):
			return nil, fail(exitFailed, "the daemon's log may say why; --timeout waits longer", "timed out waiting for the reload")
		case !errors.Is(err, control.ErrLost):
			return nil, err
		}
		time.Sleep(pollPause)
	}
}

// askReload returns the last line of the daemon's answer.
func (s *site) askReload(deadline time.Time) (control.Response, error) {
	client, err := s.dialForReload(deadline)
	if err != nil {
		return control.Response{}, err
	}
	defer client.Close()
	r := control.Request{Verb: control.Reload}
	answer, err := client.Ask(r)
	for err == nil && !answer.Last {
		answer, err = client.NextBefore(deadline)
	}
	if err == nil && answer.Reload == nil {
		err = errors.New("the daemon's answer has no result; use the same version of jobsd and its daemon")
	}
	if err != nil {
		err = s.refused(err, r)
	}
	return answer, err
}

// dialForReload connects to the daemon. If its socket was removed, a signal makes the daemon reload and create the
// socket again.
func (s *site) dialForReload(deadline time.Time) (*control.Client, error) {
	client, failed := s.dial()
	if failed == nil {
		return client, nil
	}
	state, err := s.present()
	if err != nil {
		return nil, err
	}
	if !errors.Is(failed, control.ErrNoDaemon) {
		return nil, failed
	}
	pid, err := s.daemonPID(state)
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return nil, fmt.Errorf("cannot signal the daemon, pid %d: %w", pid, err)
	}
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for ; failed != nil && alive(&state.Daemon) && time.Now().Before(deadline); <-tick.C {
		client, failed = s.dial()
	}
	return client, failed
}

// names returns the names of the changed jobs, in parentheses.
func (r reloadResult) names() string {
	names := strings.Join(r.ChangedJobs, ", ")
	if names != "" && len(r.ChangedJobs) < r.Changed {
		names += ", ..."
	}
	return inParentheses(names)
}

// summary says what changed: "3 new, 1 changed, 1 removed, 1 refused".
func (r reloadResult) summary() string {
	var p phrases
	p.add(r.New > 0, "%d new", r.New)
	p.add(r.Changed > 0, "%d changed%s", r.Changed, r.names())
	p.add(r.Removed > 0, "%d removed", r.Removed)
	p.add(r.Refused > 0, "%d refused", r.Refused)
	text := p.String()
	if len(r.Settings) > 0 {
		text += "; settings changed: " + strings.Join(r.Settings, ", ")
	}
	return cmp.Or(strings.TrimPrefix(text, "; "), "nothing changed")
}
