package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"jobsd/internal/durable"
	"jobsd/internal/trust"
)

// While a file is refused, a copy of its last good version stays in a folder of the daemon under the same name: the
// accepted copy. So the jobs survive a restart. The copy is removed when the file is good again or was removed.

// save writes the accepted copy of a refused file unless it exists.
func (l *Loader) save(f *jobFile) error {
	if l.o.Accepted == "" {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(l.o.Accepted, f.name)); f.saved && err == nil {
		return nil
	}
	err := os.Mkdir(l.o.Accepted, 0o700) // the state directory, which holds this folder, is not ours to make
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = durable.WriteFile(filepath.Join(l.o.Accepted, f.name), []byte(f.good.text), 0o600)
	}
	if err != nil {
		return &Error{File: f.name, Text: "cannot save the last good version for a restart: " + err.Error()}
	}
	f.saved = true
	return nil
}

// unsave removes the copy. A copy that cannot be removed does no harm, because it counts only while its file is
// refused.
func (l *Loader) unsave(f *jobFile) {
	f.saved = false
	os.Remove(filepath.Join(l.o.Accepted, f.name))
}

// restore takes the last good versions of refused files from their accepted copies, at the first load after a start. It
// removes the copies of files that are not refused. why is set if the jobs directory cannot be read: then the copies
// are the only source of jobs.
func (l *Loader) restore(why error, refused map[*jobFile][]error) []error {
	if l.o.Accepted == "" {
		return nil
	}
	dir, err := l.host.Judge.OpenFolderHere(l.o.Accepted)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var names []string
	if err == nil {
		defer dir.Close()
		names, err = dir.Names()
	}
	if err != nil {
		return []error{fmt.Errorf("cannot read the last good versions of refused files: %w", err)}
	}
	var errs []error
	for _, name := range names {
		if isIgnored(name) {
			continue
		}
		f := l.find(name)
		if f == nil && why != nil {
			f = &jobFile{name: name}
			l.files = append(l.files, f)
		}
		switch {
		case f == nil, why == nil && refused[f] == nil:
			os.Remove(filepath.Join(l.o.Accepted, name))
		default:
			errs = append(errs, l.restoreFile(dir, f)...)
		}
	}
	slices.SortFunc(l.files, func(a, b *jobFile) int { return compareNames(a, b.name) })
	return errs
}

func compareNames(f *jobFile, name string) int { return strings.Compare(f.name, name) }

func (l *Loader) find(name string) *jobFile {
	if i, ok := slices.BinarySearchFunc(l.files, name, compareNames); ok {
		return l.files[i]
	}
	return nil
}

// restoreFile reads one accepted copy.
func (l *Loader) restoreFile(dir *trust.Folder, f *jobFile) []error {
	label := filepath.Join(filepath.Base(l.o.Accepted), f.name)
	looked, err := look(dir.FD, f.name)
	if err == nil && looked.link() {
		err = errors.New("is a symbolic link")
	}
	var text string
	if err == nil {
		text, _, err = l.host.read(dir, f.name, looked)
	}
	if err != nil {
		return []error{&Error{File: label, Text: err.Error()}}
	}
	v, errs := l.version(label, f.name, text, true) // the file may be a symbolic link
	if errs != nil {
		return errs
	}
	f.good, f.saved = v, true
	return nil
}
