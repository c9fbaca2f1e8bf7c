package jobfile

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
)

// Try returns the jobs of files as they would be, by name, in the directory as the last load found it, and what would
// be wrong: the mistakes in these files or, if there are none, those that they would bring into others. A directory that
// is missing counts as empty.
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

// draft is a file that would have that text.
func (l *Loader) draft(name, text string) *jobFile {
	f := &jobFile{name: name}
	err := badFileName(name)
	switch {
	case err != nil:
	case passedOver(name):
		err = errors.New("would be passed over: a job file ends in .toml or .json and does not begin with a dot")
	case len(text) > MaxFile:
		err = errors.New(tooBig)
	}
	if err != nil {
		f.why = []error{&Error{File: printable(name), Text: err.Error()}}
		return f
	}
	l.parse(f, text, false)
	return f
}

// Files returns what each file of the last load says, refused or not; nil for one that cannot be read as job file. It
// fails if the directory could not be read, or not be trusted.
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
