package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
	"jobsd/statefile"
)

// addNotify adds who gets which notifications about a job: a line for the targets that get the same kinds, and one for
// the mail and the commands of the job itself.
func (f *facts) addNotify(n *jobfile.Notify, targets map[string]*jobfile.Target) {
	if n == nil {
		f.add("notify", "", "nobody")
		return
	}
	for _, line := range targetWords(n, targets) {
		f.add("notify", "", "%s", line)
	}
	if own := ownWords(n); own != nil {
		f.add("notify", "", "%s", own)
	}
}

// targetWords returns lines such as "failure, recovery -> ops (mail), phone (ntfy)".
func targetWords(n *jobfile.Notify, targets map[string]*jobfile.Target) []string {
	var kinds []string // in the order in which they first appear
	receivers := map[string]phrases{}
	for _, name := range n.To {
		key, way := "", "unknown: jobsd.toml has no such target"
		if t := targets[name]; t != nil {
			key, way = kindsFor(n, t).String(), t.Way()
		}
		if !slices.Contains(kinds, key) {
			kinds = append(kinds, key)
		}
		receivers[key] = append(receivers[key], name+inParentheses(way))
	}
	var lines []string
	for _, key := range kinds {
		what := key
		if what == "" {
			what = "nothing"
		}
		lines = append(lines, what+" -> "+receivers[key].String())
	}
	return lines
}

// addUnsent adds the notifications that are not delivered yet.
func (f *facts) addUnsent(list []statefile.Notification, now time.Time) {
	for i, o := range list {
		if i == unsentShown {
			f.add("not sent yet", yellow, "and %d more", len(list)-i)
			return
		}
		p := phrases{o.Kind}
		if o.Run != nil {
			p[0] += fmt.Sprintf(" of run %d", o.Run.Run)
		}
		p[0] += " to " + o.Via
		if o.Tries > 0 {
			p.add(true, "%s", count(o.Tries, "failed attempt"))
			p.add(true, "the next one %s", exactly(o.RetryAt, now))
		}
		f.add("not sent yet", yellow, "%s", p)
	}
}

// kindsFor returns the kinds that a target gets.
func kindsFor(n *jobfile.Notify, t *jobfile.Target) (p phrases) {
	for _, kind := range jobfile.Kinds {
		p.add(n.Tells(t, kind), "%s", kind)
	}
	return p
}

// ownWords describes the mail and the commands of the job itself.
func ownWords(n *jobfile.Notify) (p phrases) {
	p.add(len(n.Mail) > 0, "mail to %s", strings.Join(n.Mail, " "))
	for _, c := range n.Commands() {
		p.add(len(c.Argv) > 0, "%s %s", c.Key, plain.Shell(c.Argv...))
	}
	p.add(n.Failures > 1, "after %d failures in a row", n.Failures)
	return p
}
