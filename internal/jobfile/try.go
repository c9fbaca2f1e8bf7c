package jobfile

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
)

// Try returns the jobs of the given files as if they were in the directory of the last load, and the mistakes: those in
// these files or, if there are none, those that they would cause in other files. texts maps file names to contents. A
// missing directory counts as empty.
func (l *Loader) Try(texts map[string]string) (defs []*Definition, errs []error) {
	if l.why != nil && !errors.Is(l.why, fs.ErrNotExist) {
		return nil, []error{l.why}
	}
	before := l.refuse()
	defer func(files []*jobFile) { l.files = files }(l.files)
	l.files = slices.DeleteFunc(slices.Clone(l.files), func(f *jobFile) bool { _, tried := texts[f.name]; return tried })
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		f := l.draft(name, texts[name])
		if f.now != nil {
			defs = append(defs, f.now.defs...)
		}
		l.files = append(l.files, f)
	}
	slices.SortFunc(l.files, func(a, b *jobFile) int { return compareNames(a, b.name) })
	after := l.refuse()
	var others []error
	for _, f := range l.files {
		_, tried := texts[f.name]
		switch {
		case tried:
			errs = append(errs, after[f]...)
		case before[f] == nil:
			others = append(others, after[f]...)
		}
	}
	if errs == nil {
		errs = others
	}
	return defs, errs
}

// draft returns a file as if it had that text.
func (l *Loader) draft(name, text string) *jobFile {
	f := &jobFile{name: name}
	err := badFileName(name)
	switch {
	case err != nil:
	case isIgnored(name):
		err = errors.New("would be ignored: the name of a job file ends in .toml or .json and does not begin with a dot")
	case len(text) > MaxFile:
		err = errors.New(tooBig)
	}
	if err != nil {
		f.why = []error{at(name, err)}
		return f
	}
	l.parse(f, text, false)
	return f
}

// Files returns the definitions of each file of the last load, refused or not; nil for a file that cannot be parsed. It
// fails if the directory could not be read or is not trusted.
func (l *Loader) Files() (map[string][]*Definition, error) {
	if l.why != nil {
		return nil, l.why
	}
	all := make(map[string][]*Definition, len(l.files))
	for _, f := range l.files {
		all[f.name] = nil
		if f.now != nil {
			all[f.name] = f.now.defs
		}
	}
	return all, nil
}
