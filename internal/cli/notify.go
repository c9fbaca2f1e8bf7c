package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/notify"
	"jobsd/runner"
)

const notifyHelp = `jobsd notify - send a test message to a target of jobsd.toml

usage: jobsd notify test [--json] TARGET

Sends a message to the target [notify.TARGET] as the daemon does, and prints
whether it was delivered: the status of the answer to a request, and the output
of a command. It needs no daemon and tries once. It works as the user that runs
it: for the targets of the machine's daemon, run it as root. The target mail is
"to" of the table [mail]. The target heartbeat is the table [heartbeat], and its
test is a real heartbeat.

The event of the message is "test". The preset healthchecks adds the message to
the log of the check, which does not change the state of the check. To test a
command of a job, start a job that fails.
`

func (a *app) notify() *cobra.Command {
	takes := arguments{0, many, "target", a.completeNotify}
	return a.verb(notifyHelp, takes, a.doNotify,
		a.jsonOption(`print {"target", "way", "delivered", "error", "answer", "output"}: the name of the target; "mail", "command", "heartbeat" or
			the preset; whether the message was delivered; why not, or null; the status of the answer, or null; what the command or the
			mailer printed, or null`))
}

// completeNotify offers the words of the verb, and then the targets.
func (a *app) completeNotify(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	switch len(args) {
	case 0:
		return []string{"test"}, directive
	case 1:
		if s, err := a.places.readerSite(); err == nil {
			names := targetNames(s)
			if len(s.config.Mail.To) > 0 {
				names = append(names, mailName)
			}
			if s.config.Heartbeat != nil && s.config.Targets[heartbeatName] == nil {
				names = append(names, heartbeatName)
			}
			return names, directive
		}
	}
	return nil, directive
}

func targetNames(s *site) []string { return slices.Sorted(maps.Keys(s.config.Targets)) }

// notifyResult is the JSON of notify.
type notifyResult struct {
	Target    string  `json:"target"`
	Way       string  `json:"way"`
	Delivered bool    `json:"delivered"`
	Error     *string `json:"error"`
	Answer    *string `json:"answer"`
	Output    *string `json:"output"`
}

func (a *app) doNotify(args []string) error {
	if err := checkNotify(args); err != nil {
		return err
	}
	s, err := a.places.readerSite()
	if err != nil {
		return err
	}
	name := args[1]
	m, way, err := s.testMessage(name)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := notify.Deliver(ctx, m, Version())
	if err != nil {
		return fmt.Errorf("cannot deliver to %s: %w", name, err)
	}
	if a.json {
		return orUnwell(a.printJSON(notifyResult{name, way, r.Error == "", orNull(r.Error), orNull(r.Answer), orNull(r.Output)}), r.Error != "")
	}
	if text := strings.TrimRight(r.Output, "\n"); text != "" {
		fmt.Fprintln(a.out, text)
	}
	if r.Error != "" {
		return fail(exitFailed, "", "cannot deliver to %s (%s): %s", name, way, r.Error)
	}
	fmt.Fprintf(a.out, "delivered to %s (%s)%s\n", name, way, prefixed(": ", r.Answer))
	return nil
}

func checkNotify(args []string) error {
	const hint = "jobsd help notify"
	switch {
	case len(args) == 0:
		return usage(hint, "notify: write jobsd notify test TARGET")
	case args[0] != "test":
		return usage(nearest(args[0], []string{"test"}, hint), "notify takes test, not %q", args[0])
	case len(args) == 1:
		return usage(hint, "notify test: no target given")
	case len(args) > 2:
		return usage(hint, "notify test takes one target, but also got %q", args[2])
	}
	return nil
}

// These names stand for the heartbeat and the recipients of [mail] where a person names a target. No target has the name
// mail.
const (
	heartbeatName = "heartbeat"
	mailName      = "mail"
)

// testMessage returns the message for the target with that name, and the way in which it goes there.
func (s *site) testMessage(name string) (m *notify.Message, way string, err error) {
	if b := s.config.Heartbeat; name == heartbeatName && b != nil && s.config.Targets[name] == nil {
		return runner.HeartbeatMessage(b), heartbeatName, nil
	}
	t, err := s.target(name)
	if err != nil {
		return nil, "", err
	}
	return runner.TestMessage(s.config, t, s.host(), s.root), t.Way(), nil
}

// target returns the target with that name. With broken settings, no target is known.
func (s *site) target(name string) (*jobfile.Target, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if t := s.config.Targets[name]; t != nil {
		return t, nil
	}
	if name == mailName {
		if to := s.config.Mail.To; len(to) > 0 {
			return &jobfile.Target{Name: mailName, Mail: to}, nil
		}
		return nil, fail(exitFailed, "", "cannot send mail: the table [mail] of %s has no key \"to\"", s.configFile)
	}
	names := targetNames(s)
	if len(names) == 0 {
		return nil, fail(exitFailed, "", "there is no target %q: %s has no table [notify.NAME]", name, s.configFile)
	}
	return nil, fail(exitFailed, nearest(name, names, "the targets are "+strings.Join(names, ", ")), "there is no target %q in %s", name, s.configFile)
}

// orNull returns nil for "".
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
