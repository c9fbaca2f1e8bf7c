package jobfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// This file finds the mistakes between files. A file with a mistake is refused as a whole. So the jobs of a file that
// are in force are always those that its author saw together.

// refuse returns the mistakes of each file, by itself and in relation to the others.
func (l *Loader) refuse() map[*jobFile][]error {
	l.trees = map[*jobFile]*node{}
	defer func() { l.trees = nil }()
	refused := map[*jobFile][]error{}
	for _, f := range l.files {
		switch {
		case f.now == nil:
			refused[f] = f.why
		case f.now.unknown != nil && !f.kept:
			refused[f] = slices.Clone(*f.now.unknown)
		}
	}
	l.refuseDuplicates(refused)
	for l.refuseUnknown(refused) || l.refuseCycles(refused) {
	}
	for _, errs := range refused {
		slices.SortStableFunc(errs, byPosition)
	}
	return refused
}

// place is one definition in a file.
type place struct {
	file *jobFile
	job  int
}

// refuseDuplicates refuses all files that define a name that another file defines too. Case does not count, because job
// names become names of log files, and some file systems ignore case.
func (l *Loader) refuseDuplicates(refused map[*jobFile][]error) {
	named := make(map[string][]place, len(l.files))
	for _, f := range l.files {
		if f.now == nil {
			continue
		}
		for i, d := range f.now.defs {
			fold := strings.ToLower(d.Name)
			named[fold] = append(named[fold], place{f, i})
		}
	}
	for _, places := range named {
		if len(places) == 1 {
			continue
		}
		for _, p := range places {
			refused[p.file] = append(refused[p.file], l.errorAt(p, "name", 0,
				"%q is also the name of a job in %s: rename all but one", p.file.now.defs[p.job].Name, others(places, p)))
		}
	}
}

// others names the files of places except that of p.
func others(places []place, p place) known {
	const most = 20
	var names []string
	for _, o := range places {
		switch {
		case o == p:
		case len(names) == most:
			return known(fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(places)-1-most))
		default:
			names = append(names, o.file.name)
		}
	}
	return known(strings.Join(names, ", "))
}

func byPosition(a, b error) int {
	x, ok1 := a.(*Error)
	y, ok2 := b.(*Error)
	if !ok1 || !ok2 {
		return 0
	}
	return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
}

// errorAt makes an error about the value of a key, or an item of it, of a valid definition. Definitions keep no
// positions, so errorAt parses the text again.
func (l *Loader) errorAt(p place, key string, item int, format string, args ...any) error {
	n := l.trees[p.file]
	if n == nil {
		// The source is not secret, whatever the file is: job names are shown everywhere.
		src := newSource(p.file.name, l.o.Jobs, p.file.now.text)
		n, _ = tree(src, p.file.name)
		l.trees[p.file] = n
	}
	if jobs := n.get("jobs"); jobs != nil {
		n = jobs.kids[p.job]
	}
	at := n.at
	switch v := n.get(key); {
	case v == nil:
	case v.kind == list:
		at = v.kids[item].at
	default:
		at = v.keyAt
	}
	return n.src.fail(at, key, format, args...)
}

// meant asks whether another job was meant, if one has a similar name.
func meant(name string, jobs map[string][]string) string {
	if near := Nearest(name, slices.Sorted(maps.Keys(jobs))); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// refuseUnknown refuses the files in which `after` names a job that does not exist. It reports whether it found any.
func (l *Loader) refuseUnknown(refused map[*jobFile][]error) bool {
	waiting := l.waiting(refused)
	if len(waiting) == 0 {
		return false
	}
	names := l.inForce(refused)
	found := false
	for _, p := range waiting {
		for i, name := range p.file.now.defs[p.job].After {
			if _, ok := names[name]; !ok {
				found = true
				refused[p.file] = append(refused[p.file], l.errorAt(p, "after", i, "there is no job %q%s", name, meant(name, names)))
			}
		}
	}
	return found
}

// waiting returns all jobs with an `after` in files that are not refused.
func (l *Loader) waiting(refused map[*jobFile][]error) []place {
	var all []place
	for _, f := range l.files {
		if refused[f] != nil {
			continue
		}
		for i, d := range f.now.defs {
			if d.After != nil {
				all = append(all, place{f, i})
			}
		}
	}
	return all
}

// inForce returns all names that will be in force, with the jobs that each waits for.
func (l *Loader) inForce(refused map[*jobFile][]error) map[string][]string {
	names := make(map[string][]string, len(l.files))
	add := func(v *version, over bool) {
		for _, d := range v.defs {
			if _, ok := names[d.Name]; over || !ok {
				names[d.Name] = d.After
			}
		}
	}
	for _, f := range l.files {
		if refused[f] == nil {
			add(f.now, true)
		} else if f.good != nil {
			add(f.good, false)
		}
	}
	return names
}

// refuseCycles refuses the files with a job that waits for itself through others. It reports whether it found any.
func (l *Loader) refuseCycles(refused map[*jobFile][]error) bool {
	waiting := l.waiting(refused)
	if len(waiting) == 0 {
		return false
	}
	after := l.inForce(refused)
	found := false
	for _, p := range waiting {
		name := p.file.now.defs[p.job].Name
		if way := wayBack(after, name, name, map[string]bool{}); way != nil {
			found = true
			refused[p.file] = append(refused[p.file], l.errorAt(p, "after", 0, "%s waits for itself: %s",
				name, known(fmt.Sprintf("%s after %s", name, strings.Join(way, " after ")))))
		}
	}
	return found
}

// wayBack returns the jobs after `from` up to `to`, each followed by the one it waits for; nil if there is no such way.
func wayBack(after map[string][]string, from, to string, seen map[string]bool) []string {
	for _, next := range after[from] {
		if next == to {
			return []string{to}
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if way := wayBack(after, next, to, seen); way != nil {
			return append([]string{next}, way...)
		}
	}
	return nil
}
