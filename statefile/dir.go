package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"jobsd/internal/durable"
)

const (
	stateName   = "state.json"
	journalName = "history.jsonl"
)

// dir is the state directory, held open.
type dir struct {
	*durable.Dir
	step func(name string) error // called before each change; tests use it to observe and to fail
}

func openDir(path string) (*dir, error) {
	d, err := durable.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the state directory: %w", err)
	}
	return &dir{d, func(string) error { return nil }}, nil
}

// openAt opens the directory that now has the path.
func (d *dir) openAt(path string) (*dir, error) {
	next, err := openDir(path)
	if err != nil {
		return nil, err
	}
	next.step = d.step
	d.Close()
	return next, nil
}

// newFile is a file without a name, or with a temporary name, until it replaces another file.
type newFile struct {
	*renameio.PendingFile
	d *dir
}

// create starts a file that replace will name. The caller may always defer Cleanup, which removes the file if replace
// did not happen.
func (d *dir) create(name string, mode fs.FileMode) (*newFile, error) {
	if err := d.step("create " + name); err != nil {
		return nil, err
	}
	p, err := renameio.NewPendingFile(name, renameio.WithRoot(d.Root), renameio.WithStaticPermissions(mode))
	if err != nil {
		return nil, err
	}
	return &newFile{p, d}, nil
}

func (f *newFile) Write(b []byte) (int, error) {
	if err := f.d.step("write"); err != nil {
		return 0, err
	}
	return f.PendingFile.Write(b)
}

// replace makes the file durable and gives it its name. Only a flush of the directory makes the name durable, and
// renameio does not do that.
func (f *newFile) replace() error { return f.d.change("replace", f.CloseAtomicallyReplace) }

// reopen opens the file a second time, for appending after it has its name.
func (d *dir) reopen(f *newFile) (*os.File, error) {
	return d.OpenFile(filepath.Base(f.Name()), os.O_WRONLY|os.O_APPEND, 0)
}

func (d *dir) change(step string, change func() error) error {
	if err := d.step(step); err != nil {
		return err
	}
	return change()
}

func (d *dir) flush() error { return d.change("flush", d.Flush) }

func (d *dir) rename(from, to string) error {
	return d.change("rename "+from, func() error { return d.Rename(from, to) })
}

func (d *dir) link(from, to string) error {
	return d.change("link "+from, func() error { return d.Link(from, to) })
}

func (d *dir) remove(name string) error {
	return d.change("remove "+name, func() error { return d.Remove(name) })
}

// sweep removes temporary files that a crashed daemon left when it was creating the file with this name.
func (d *dir) sweep(name string) error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	for _, n := range names {
		if random, ok := strings.CutPrefix(n, "."+name); ok && random != "" && strings.Trim(random, "0123456789") == "" {
			if err := d.remove(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// badName returns an unused name for keeping a damaged file.
func (d *dir) badName(name string) string {
	base := name + ".bad-" + time.Now().UTC().Format("20060102T150405Z")
	free := base
	for n := 2; d.exists(free); n++ {
		free = fmt.Sprintf("%s-%d", base, n)
	}
	return free
}

func (d *dir) exists(name string) bool {
	_, err := d.Lstat(name)
	return err == nil
}

// openFile opens a file for reading. It does not open anything but a regular file and returns errIrregular for it,
// because opening a pipe would wait for its other end.
func (d *dir) openFile(name string) (*os.File, fs.FileInfo, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errIrregular
	}
	f, err := d.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil { // another file may have taken the name in the meantime
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

var errIrregular = errors.New("it is not a regular file")
