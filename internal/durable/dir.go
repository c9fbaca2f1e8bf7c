// Package durable locks directories, and changes the files in them so that a reader sees either the old or the new file
// and a loss of power leaves one of them.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Dir is a directory held open. Names are looked up in this directory, even if its path later leads to another one.
type Dir struct {
	*os.Root
	Self *os.File // the directory itself, to lock it and to flush the names
}

// Open opens a directory.
func Open(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	self, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, err
	}
	return &Dir{root, self}, nil
}

// Close closes the directory, which releases its lock.
func (d *Dir) Close() {
	d.Self.Close()
	d.Root.Close()
}

// Names returns the names of all entries.
func (d *Dir) Names() ([]string, error) {
	f, err := d.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Flush makes the names in the directory durable. Some file systems do not support this and do not need it.
func (d *Dir) Flush() error {
	if err := d.Self.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// WriteFile writes a file, or replaces it. The file has the mode under any umask.
func WriteFile(path string, text []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	err := renameio.WriteFile(path, text, mode, renameio.WithTempDir(dir), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	d, err := Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Flush()
}

// MakeDir makes a directory, and those above it, with the mode under any umask. An existing directory keeps its mode.
func MakeDir(path string, mode os.FileMode) error {
	if _, err := os.Stat(path); err == nil {
		return nil // if it is not a directory, opening it fails later
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
