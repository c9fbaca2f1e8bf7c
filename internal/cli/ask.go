package cli

import (
	"errors"
	"fmt"
	"time"

	"jobsd/internal/control"
	"jobsd/statefile"
)

// ask connects to the daemon, sends it a request and returns the first line of the answer.
func (s *site) ask(r control.Request) (*control.Client, control.Response, error) {
	client, err := s.dial()
	if errors.Is(err, control.ErrNoDaemon) {
		return nil, control.Response{}, s.noSocket()
	}
	if err != nil {
		return nil, control.Response{}, err
	}
	answer, err := client.Ask(r)
	if err != nil {
		client.Close()
		return nil, answer, s.refused(err, r)
	}
	return client, answer, nil
}

// dial connects to the daemon. The daemon may have been started with another environment, and so have another run
// directory: its state file says which one.
func (s *site) dial() (*control.Client, error) {
	client, err := control.Dial(s.Run)
	if !errors.Is(err, control.ErrNoDaemon) {
		return client, err
	}
	d, missing := statefile.ReadDaemon(s.State)
	if missing != nil || d.RunDir == "" || d.RunDir == s.Run || !alive(d) {
		return nil, err
	}
	s.Run = d.RunDir
	return control.Dial(s.Run)
}

// SeenPatience is how long a change may take to reach the state file. The disk may be full. Tests on slow disks raise it.
var SeenPatience = 2 * time.Second

// seen waits until the state file contains the change that an answer reports, so that the next reader sees it. The file may
// still be that of the previous daemon if the daemon has just started. seen returns false if this takes too long: then the
// change may be missing in the journal too, because the daemon writes the journal first.
func (s *site) seen(answer control.Response) bool {
	began, _ := time.Parse(time.RFC3339, answer.Started)
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for deadline := time.Now().Add(SeenPatience); time.Now().Before(deadline); <-tick.C {
		d, err := statefile.ReadDaemon(s.State)
		its := err == nil && d.StartedAt.Time().Equal(began)
		if err != nil || its && (time.Duration(d.Uptime) >= answer.Uptime || !alive(d)) {
			return true
		}
	}
	return false
}

// tellUnseen waits like seen, and prints a warning if that takes too long.
func (a *app) tellUnseen(s *site, answer control.Response) {
	if !s.seen(answer) {
		fmt.Fprintln(a.err, "jobsd: the daemon has not written this to disk yet and would forget it in a crash; jobsd status may say why")
	}
}

// refused adds an exit code and a hint to an error of the daemon.
func (s *site) refused(err error, r control.Request) error {
	var e *control.Error
	if !errors.As(err, &e) {
		return fail(exitNoDaemon, "the daemon's log may say why", "%w", err)
	}
	switch e.Code {
	case control.NotPermitted:
		return fail(exitDenied, "", "%w", e)
	case control.BadRequest:
		return fail(exitUsage, "jobsd help "+r.Verb, "%s: %w", r.Verb, e)
	case control.NoJob:
		if state, err := s.state(); err == nil && state.Jobs[r.Job] == nil {
			return noJob(r.Job, names(state))
		}
		return fail(exitNoJob, "jobsd show "+r.Job+" shows its runs", "%w", e)
	}
	return fail(exitFailed, "", "cannot %s: %w", r.Verb, e)
}
