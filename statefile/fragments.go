package statefile

import (
	"bytes"
	"slices"
	"strings"
)

// fragment is the line of one job.
type fragment struct {
	name   string
	packed []byte // nil: the job was removed
}

// fragments is a list of jobs by name. A change moves no other job: a hundred thousand jobs may all be removed at once.
// Only inOrder does so, once for all changes before it.
type fragments struct {
	list    []fragment
	sorted  int            // so many are in order; the others are new
	added   map[string]int // where the new ones are
	removed bool           // some were removed
}

func (l *fragments) find(name string) (i int, known bool) {
	i, known = slices.BinarySearchFunc(l.list[:l.sorted], name, func(f fragment, name string) int { return strings.Compare(f.name, name) })
	if !known {
		i, known = l.added[name]
	}
	return i, known
}

func (l *fragments) has(name string) bool {
	i, known := l.find(name)
	return known && l.list[i].packed != nil
}

// set sets the line of a job. The caller may change packed afterwards.
func (l *fragments) set(name string, packed []byte) {
	if i, known := l.find(name); known {
		if f := &l.list[i]; f.packed != nil && cap(f.packed) >= len(packed) {
			f.packed = append(f.packed[:0], packed...)
		} else {
			f.packed = bytes.Clone(packed)
		}
		return
	}
	n := len(l.list)
	last := n == l.sorted && (n == 0 || l.list[n-1].name < name)
	l.list = append(l.list, fragment{name, bytes.Clone(packed)})
	if last { // a first load adds all jobs in order
		l.sorted++
		return
	}
	if l.added == nil {
		l.added = map[string]int{}
	}
	l.added[name] = n
}

func (l *fragments) remove(name string) {
	if i, known := l.find(name); known {
		l.list[i].packed = nil
		l.removed = true
	}
}

// inOrder returns all jobs, ordered by name.
func (l *fragments) inOrder() []fragment {
	if l.added != nil {
		l.merge()
	}
	if l.removed {
		l.list = slices.DeleteFunc(l.list, func(f fragment) bool { return f.packed == nil })
		if l.sorted, l.removed = len(l.list), false; cap(l.list) > 2*len(l.list) {
			l.list = slices.Clip(slices.Clone(l.list))
		}
	}
	return l.list
}

// merge puts the new jobs between the others, from the last to the first.
func (l *fragments) merge() {
	fresh := slices.Clone(l.list[l.sorted:])
	slices.SortFunc(fresh, func(a, b fragment) int { return strings.Compare(a.name, b.name) })
	old := l.sorted
	for to := len(l.list); len(fresh) > 0; {
		to--
		if last := len(fresh) - 1; old == 0 || l.list[old-1].name < fresh[last].name {
			l.list[to], fresh = fresh[last], fresh[:last]
		} else {
			old--
			l.list[to] = l.list[old]
		}
	}
	l.sorted, l.added = len(l.list), nil
}
