package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
	"jobsd/internal/jobfile"
	"jobsd/runner"
	"jobsd/statefile"
)

const upgradeHelp = `jobsd upgrade - switch the daemon to the installed program; jobs keep running

usage: jobsd upgrade [--wait] [--timeout DURATION] [--json]

Makes the daemon continue as the new program after an update. The daemon keeps
its pid, and running jobs continue as its children. The daemon refuses a program
that others can write, that does not start, or that cannot read the settings or
the state, and continues with the running one (exit 1). Linux only.
`

const candidateHelp = `jobsd candidate - report to a running daemon whether this program can replace it

usage: jobsd candidate [--config FILE]
`

func (a *app) upgrade() *cobra.Command {
	var wait bool
	timeout := time.Minute
	return a.verb(upgradeHelp, arguments{}, a.here(func(s *site, _ []string) error { return a.doUpgrade(s, wait, timeout) }),
		opt("wait", nothing, &wait, "wait until the new program has taken over the jobs, and print both versions"),
		opt("timeout", aDuration, &timeout, "wait at most this long; the default is 1m"),
		a.jsonOption(`print {"from", "to"}; "to" is null without --wait`))
}

// upgradeResult is the JSON of upgrade.
type upgradeResult struct {
	From string  `json:"from"`
	To   *string `json:"to"`
}

func (a *app) doUpgrade(s *site, wait bool, timeout time.Duration) error {
	state, err := s.present()
	if err != nil {
		return err
	}
	result := upgradeResult{From: state.Daemon.Version}
	r := control.Request{Verb: control.Upgrade}
	client, _, err := s.ask(r)
	if err != nil {
		return err
	}
	defer client.Close()
	for err == nil { // until the daemon has switched to the new program, or refused it
		_, err = client.Next()
	}
	var refused *control.Error
	if errors.As(err, &refused) {
		return s.refused(err, r)
	}
	if wait {
		now, err := s.awaitUpgrade(&state.Daemon, time.Now().Add(timeout))
		if err != nil {
			return err
		}
		result.To = &now.Version
	}
	switch {
	case a.json:
		return a.printJSON(result)
	case wait:
		fmt.Fprintf(a.out, "upgraded from %s to %s\n", result.From, *result.To)
	default:
		fmt.Fprintln(a.out, "upgrading")
	}
	return nil
}

// awaitUpgrade waits until the daemon has upgraded and its first load is complete, and returns it.
func (s *site) awaitUpgrade(was *statefile.Daemon, deadline time.Time) (*statefile.Daemon, error) {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for ; ; <-tick.C {
		state, err := s.state()
		if err != nil {
			return nil, err
		}
		switch d := &state.Daemon; {
		case d.Upgrades > was.Upgrades && d.Reload.Done > 0:
			return d, nil
		case !d.StartedAt.Time().Equal(was.StartedAt.Time()) && d.Upgrades == was.Upgrades:
			return nil, fail(exitFailed, "the daemon's log says why", "cannot upgrade: the new program could not be executed; the daemon continues with the old one")
		case !alive(d):
			return nil, fail(exitNoDaemon, s.howToStart(), "cannot upgrade: the daemon ended")
		case time.Now().After(deadline):
			return nil, fail(exitFailed, "the daemon's log may say why", "timed out waiting for the upgrade")
		}
	}
}

// candidate is a verb for the daemon, not for people.
func (a *app) candidate() *cobra.Command {
	cmd := a.verb(candidateHelp, arguments{}, func([]string) error {
		if file := a.places.config; file != "" {
			if _, err := jobfile.ReadConfig(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return a.printJSON(runner.ThisCandidate(Version()))
	})
	cmd.Hidden = true
	return cmd
}
