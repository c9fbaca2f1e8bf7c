package jobfile

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// This file checks the names of targets in notify.to. A name that jobsd.toml does not have is a mistake in a new or
// changed file, which is refused. But if a file was in force before and somebody removed its target from jobsd.toml,
// its jobs must go on: a backup that does not run is worse than a message that nobody gets. Such a file stays in force
// as it is, and each load reports the mistake.

// recipients checks notify.to and notify.on of a job.
func (r *reader) recipients(n *node, d *draft) {
	notify := n.place("notify")
	if on := notify.get("on"); on != nil && d.notify.To == nil {
		r.failAs("notify.on", on, `is for the targets in notify.to, and the job has none: add to = ["..."] or remove this key`)
	}
	to := notify.place("to")
	for i, name := range d.notify.To {
		if slices.Index(d.notify.To, name) < i {
			r.note(to, itemAt(to, i), "notify.to", "%q is there twice: remove one", name)
		}
	}
	if r.host.targets == nil {
		return
	}
	for _, e := range unknownTargets(to, "notify.to", d.notify.To, r.host.targets) {
		if len(r.unknownTargets) < enough {
			r.unknownTargets = append(r.unknownTargets, e)
		}
	}
}

// defaultRecipients checks the names of targets in the table of defaults.
func (r *reader) defaultRecipients(c *Config) {
	if c.defaults == nil {
		return
	}
	to := c.defaults.place("notify").get("to")
	if to == nil {
		return
	}
	names, _ := oneOrMore(targetName, 0).read(&reader{host: r.host}, to) // other mistakes are already reported
	for _, e := range unknownTargets(to, "defaults.notify.to", names, c.Targets) {
		r.add(e)
	}
}

// daemonRecipients checks the names of targets for notifications about the daemon.
func (r *reader) daemonRecipients(root *node, c *Config) {
	to := root.place("daemon").place("notify")
	for _, e := range unknownTargets(to, "daemon.notify", c.Daemon.Notify, c.Targets) {
		r.add(e)
	}
}

// unknownTargets returns mistakes about names that no target has. to is the value of the key, or the place of the job if
// the names are defaults.
func unknownTargets(to *node, key string, names []string, targets map[string]*Target) (errs []*Error) {
	for i, name := range names {
		if targets[name] != nil {
			continue
		}
		errs = append(errs, to.src.fail(itemAt(to, i), key, "there is no target %q%s", name, knownTargets(name, targets)))
	}
	return errs
}

// itemAt returns the position of an item of a list, or that of the value if it is no list.
func itemAt(n *node, i int) int {
	if n.kind == list && i < len(n.kids) {
		return n.kids[i].at
	}
	return n.at
}

// knownTargets continues the message about an unknown target with those that exist.
func knownTargets(name string, targets map[string]*Target) known {
	const most = 20
	names := slices.Sorted(maps.Keys(targets))
	if len(names) == 0 {
		return ": jobsd.toml has no table [notify.NAME]"
	}
	hint := ""
	if near := Nearest(name, names); near != "" {
		hint = `; did you mean "` + near + `"?`
	} else if strings.Contains(name, "@") {
		hint = "; if it is a mail address, write it into notify.mail"
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += " and others"
	}
	return known(hint + " (jobsd.toml has " + list + ")")
}

// keep decides for each file whether it stays in force although it names unknown targets: if the same text was in force
// before. The first load of a daemon does not know that, so it keeps every file, except one with an accepted copy: the
// previous daemon refused that file.
func (l *Loader) keep() {
	for _, f := range l.files {
		if f.now == nil || f.now.unknown == nil {
			continue
		}
		if f.good != nil {
			f.kept = f.good.text == f.now.text
		} else if l.loads == 1 {
			f.kept = !l.hasCopy(f.name)
		}
	}
}

// keptErrors returns the mistakes of a file that stays in force. A daemon says that it does.
func (l *Loader) keptErrors(f *jobFile) (errs []error) {
	if f.good.unknown == nil {
		return nil
	}
	for _, err := range *f.good.unknown {
		e := *err.(*Error)
		if l.o.Accepted != "" {
			e.Text += "; the job stays in force, but the target gets nothing"
		}
		errs = append(errs, &e)
	}
	return errs
}

// hasCopy reports whether a file has an accepted copy.
func (l *Loader) hasCopy(name string) bool {
	if l.o.Accepted == "" {
		return false
	}
	_, err := os.Lstat(filepath.Join(l.o.Accepted, name))
	return !errors.Is(err, fs.ErrNotExist)
}
