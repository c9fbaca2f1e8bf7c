package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"jobsd/internal/control"
	"jobsd/statefile"
)

const reloadHelp = `jobsd reload - make the daemon read its job files again

usage: jobsd reload [--timeout DURATION] [--json]

Waits until the daemon has read the files in their present state, and prints
what changed and what was refused; exits 1 if anything was refused. A refused
file stops nothing: the daemon uses the last good version of its jobs.

  --timeout DURATION  wait at most this long; the default is 30s
  --json              print {"new", "changed", "removed", "refused", "errors",
                      "changed_jobs", "settings"}: numbers of jobs, the errors
                      of refused files, the names of changed jobs (not all of
                      them if there are many), and the keys of jobsd.toml that
                      changed
`

// reloadPoll is the time between two looks at the state file while a verb waits.
const reloadPoll = 20 * time.Millisecond

func (a *app) reload() *cobra.Command {
	var timeout time.Duration
	cmd := a.reader("reload", reloadHelp, func([]string) error { return a.doReload(timeout) })
	durationVar(cmd.Flags(), &timeout, "timeout", 30*time.Second)
	return takes(cmd, 0, 0, "")
}

func (a *app) doReload(timeout time.Duration) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	state, err := s.present()
	if err != nil {
		return err
	}
	asked, err := s.askReload(state)
	if err != nil {
		return err
	}
	done, err := s.awaitReload(asked, time.Now().Add(timeout))
	if err != nil {
		return err
	}
	return a.tellReload(s.reloaded(done))
}

// askReload asks for a reload, over the socket or, if nobody listens there, with a signal. A reload that begins at the
// returned instant or later includes the present files.
func (s *site) askReload(state *statefile.State) (asked time.Duration, err error) {
	pid, err := s.daemonPID(state)
	if err != nil {
		return 0, err
	}
	r := control.Request{Verb: control.Reload}
	client, err := control.Dial(s.Run)
	if err == nil {
		defer client.Close()
		answer, err := client.Ask(r)
		if err != nil {
			return 0, s.refused(err, r)
		}
		return answer.Asked, nil
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return 0, err
	}
	if asked, err = bootClock(); err != nil {
		return 0, err
	}
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		return 0, fmt.Errorf("cannot signal the daemon, pid %d: %w", pid, err)
	}
	return asked, nil
}

// bootClock is rounded down to microseconds, the precision of the state file, so that a reload that begins after it compares
// as later.
func bootClock() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(bootClockID, &ts); err != nil {
		return 0, fmt.Errorf("cannot read the boot clock: %w", err)
	}
	return time.Duration(ts.Nano()).Truncate(time.Microsecond), nil
}

// awaitReload returns the first finished reload that began at asked or later.
func (s *site) awaitReload(asked time.Duration, deadline time.Time) (statefile.Reload, error) {
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for ; ; <-tick.C {
		d, err := statefile.ReadDaemon(s.State)
		if err != nil {
			return statefile.Reload{}, err
		}
		switch r := d.Reload; {
		case time.Duration(r.Begun) >= asked:
			return r, nil
		case !alive(d):
			return r, fail(exitNoDaemon, "", "cannot reload: the daemon ended")
		case time.Now().After(deadline):
			return r, fail(exitFailed, "the daemon's log may say why; --timeout waits longer", "timed out waiting for the reload")
		}
	}
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
}

// noName is a name that no job can have. It selects the journal records that belong to no job.
const noName = "/"

// reloaded adds the counts in the journal to a finished reload.
func (s *site) reloaded(r statefile.Reload) (reloadResult, error) {
	result := reloadResult{Errors: r.Errors, ChangedJobs: []string{}, Settings: []string{}}
	for entry, err := range statefile.History(s.State, noName) {
		if err != nil {
			return result, fmt.Errorf("reloaded, but cannot read what changed: %w", err)
		}
		if rec, ok := entry.Record.(*statefile.Reloaded); ok && rec.Begun == r.Begun {
			result.New, result.Changed, result.Removed, result.Refused = rec.New, rec.Changed, rec.Removed, rec.Refused
			result.ChangedJobs = append(result.ChangedJobs, rec.ChangedJobs...)
			result.Settings = append(result.Settings, rec.Settings...)
		}
	}
	return result, nil
}

func (a *app) tellReload(r reloadResult, err error) error {
	switch {
	case err != nil:
		writeErrors(a.err, false, r.Errors)
		return err
	case a.json:
		err = a.printJSON(r)
	default:
		fmt.Fprintln(a.out, r.summary())
		writeErrors(a.out, paletteFor(a.out), r.Errors)
	}
	if err == nil && len(r.Errors) > 0 {
		err = notWell
	}
	return err
}

// names returns the names of the changed jobs, in parentheses.
func (r reloadResult) names() string {
	switch {
	case len(r.ChangedJobs) == 0:
		return ""
	case len(r.ChangedJobs) < r.Changed:
		return " (" + strings.Join(r.ChangedJobs, ", ") + ", ...)"
	}
	return " (" + strings.Join(r.ChangedJobs, ", ") + ")"
}

// summary says what changed: "3 new, 1 changed, 1 removed, 1 refused".
func (r reloadResult) summary() string {
	var words []string
	add := func(n int, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(r.New, "new")
	add(r.Changed, "changed"+r.names())
	add(r.Removed, "removed")
	add(r.Refused, "refused")
	text := strings.Join(words, ", ")
	if len(r.Settings) > 0 {
		text += "; settings changed: " + strings.Join(r.Settings, ", ")
	}
	return cmp.Or(strings.TrimPrefix(text, "; "), "nothing changed")
}
