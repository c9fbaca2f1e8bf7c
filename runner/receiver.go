package runner

import (
	"fmt"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/notify"
	"jobsd/spawn"
	"jobsd/statefile"
)

// address makes a target the receiver of a message.
func (l launcher) address(m *notify.Message, t *jobfile.Target, sendmail []string, from string) {
	switch {
	case len(t.Mail) > 0:
		m.Mail = l.mail(sendmail, from, t.Mail)
	case len(t.Cmd) > 0:
		m.Command = l.ofDaemon(t.Cmd)
	default:
		m.HTTP = &notify.HTTP{URL: t.URL, URLFile: t.URLFile, HeadersFile: t.HeadersFile, Preset: string(t.Preset)}
	}
}

func (l launcher) mail(sendmail []string, from string, to []string) *notify.Mail {
	return &notify.Mail{Sendmail: *l.ofDaemon(append(sendmail[:len(sendmail):len(sendmail)], "-oi", "-t")), From: from, To: to}
}

// ofDaemon returns a command that belongs to no job.
func (l launcher) ofDaemon(argv []string) *spawn.Command {
	return l.notifier(&jobfile.Definition{Name: "notify", Rules: &jobfile.Rules{Umask: -1}}, argv)
}

// notifier returns the command that notifies an event of a job, in the environment of the job and with its limits. It is
// not a run, so it has no variables of one. Package notify adds those of the event.
func (l launcher) notifier(d *jobfile.Definition, argv []string) *spawn.Command {
	c := l.command(d)
	c.Argv, c.Env = argv, baseEnviron(d, l.self, l.root)
	return c
}

// TestMessage returns a message that shows a person whether a target works. Its commands have the user and the
// environment of this process. host is the name of this machine, and root is the directory of --root, "" without.
func TestMessage(c *jobfile.Config, t *jobfile.Target, host, root string) *notify.Message {
	now := time.Now()
	o := statefile.Notification{ID: 1, At: statefile.At(now), Kind: "test", Via: t.Name,
		Text: fmt.Sprintf("test message for %s from jobsd", t.Name)}
	id := fmt.Sprintf("test-%d", now.UnixNano())
	m := &notify.Message{Number: 1, ID: id, Host: host, Events: []notify.Event{{Notification: o, ID: id}}}
	launcher{self: whoAmI(), root: root}.address(m, t, c.Mail.Sendmail, c.Mail.From)
	return m
}
