package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// jobsDir is the jobs directory under the lock that all who write to it hold, from before they read until they have
// written.
type jobsDir struct {
	site *site
	root *os.Root // names are looked up in what was opened, whatever becomes of the path
	self *os.File // has the lock
}

// newFile is a job file to be: its name in the jobs directory, and what it says.
type newFile struct {
	Name string
	Text []byte
}

// newPrefix begins the names of files on their way, which a daemon passes over.
const newPrefix = ".jobsd-new-"

// lockJobs opens the jobs directory for writing. Who waits for another is told for whom; an interrupt ends the program.
func (a *app) lockJobs(s *site) (*jobsDir, error) {
	root, err := os.OpenRoot(s.Jobs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitFailed, "mkdir -p -m 755 "+s.Jobs, "there is no jobs directory %s", s.Jobs)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the jobs directory: %w", err)
	}
	d := &jobsDir{site: s, root: root}
	if d.self, err = root.Open("."); err == nil {
		err = unix.Faccessat(int(d.self.Fd()), ".", unix.W_OK, unix.AT_EACCESS) // who cannot write shall not hold others up
	}
	if err == nil {
		err = a.lock(d.self)
	}
	if err == nil {
		err = d.sweep()
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("cannot write to the jobs directory %s: %w", s.Jobs, errno(err))
	}
	return d, nil
}

// close gives the lock back.
func (d *jobsDir) close() {
	if d.self != nil {
		d.self.Close()
	}
	d.root.Close()
}

func (a *app) lock(dir *os.File) error {
	err := flock(dir, unix.LOCK_EX|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	holder := "another process"
	if pid := statefile.LockHolder(dir); pid > 0 {
		holder = fmt.Sprintf("pid %d", pid)
	}
	fmt.Fprintf(a.err, "jobsd: waiting for %s, which is changing job files\n", holder)
	return flock(dir, unix.LOCK_EX)
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); err != unix.EINTR {
			return err
		}
	}
}

// sweep removes what writers that were killed have left.
func (d *jobsDir) sweep() error {
	names, err := d.self.Readdirnames(-1)
	for _, name := range names {
		if strings.HasPrefix(name, newPrefix) && err == nil {
			err = d.root.Remove(name)
		}
	}
	return err
}

// try checks files with the whole directory. It returns their jobs, and what would be wrong that is not wrong now.
func (s *site) try(files []newFile) ([]*jobfile.Definition, error) {
	texts := map[string]string{}
	for _, f := range files {
		texts[f.Name] = string(f.Text)
	}
	defs, errs := s.loaded().Try(texts)
	if errs != nil {
		return nil, jobfile.Errors(errs)
	}
	return defs, nil
}

// loaded is a loader that has read the jobs directory.
func (s *site) loaded() *jobfile.Loader {
	l := jobfile.NewLoader(jobfile.Options{Jobs: s.Jobs, Config: s.configFile})
	l.Load()
	return l
}

// absent makes sure that no file is there yet.
func (d *jobsDir) absent(files []newFile) error {
	for _, f := range files {
		if _, err := d.root.Lstat(f.Name); !errors.Is(err, fs.ErrNotExist) {
			return d.site.isThere(f.Name)
		}
	}
	return nil
}

func (s *site) isThere(name string) error {
	hint := fmt.Sprintf("%q changes it; remove it first to have the new one instead", "jobsd edit "+name)
	return fail(exitFailed, hint, "%s is there already", filepath.Join(s.Jobs, name))
}

// create writes files that are not there yet, each whole and durable before it has its name, all or none of them.
func (d *jobsDir) create(files []newFile) error {
	for _, f := range files {
		if err := d.writeNew(f, 0o644, -1); err != nil {
			return err
		}
		defer d.root.Remove(newPrefix + f.Name)
	}
	for i, f := range files {
		err := d.root.Link(newPrefix+f.Name, f.Name) // which replaces nothing
		if err == nil {
			continue
		}
		for _, done := range files[:i] {
			d.root.Remove(done.Name)
		}
		if errors.Is(err, fs.ErrExist) {
			return d.site.isThere(f.Name)
		}
		return d.cannot("write", f.Name, err)
	}
	return d.sync()
}

// replace gives a file another text, and the mode and group that it has, as far as others cannot write it then.
func (d *jobsDir) replace(f newFile, was fs.FileInfo) error {
	gid := -1
	if st, ok := was.Sys().(*syscall.Stat_t); ok {
		gid = int(st.Gid)
	}
	if err := d.writeNew(f, was.Mode().Perm()&^0o022, gid); err != nil {
		return err
	}
	if err := d.root.Rename(newPrefix+f.Name, f.Name); err != nil {
		d.root.Remove(newPrefix + f.Name)
		return d.cannot("write", f.Name, err)
	}
	return d.sync()
}

func (d *jobsDir) remove(name string) error {
	if err := d.root.Remove(name); err != nil {
		return d.cannot("remove", name, err)
	}
	return d.sync()
}

// writeNew writes a file, which is ours and has that mode under any umask, under the name that it has on its way. A gid
// of -1 is the usual one.
func (d *jobsDir) writeNew(f newFile, mode fs.FileMode, gid int) error {
	temp := newPrefix + f.Name
	w, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return d.cannot("write", f.Name, err)
	}
	_, err = w.Write(f.Text)
	if err == nil && gid >= 0 {
		err = w.Chown(-1, gid)
	}
	if err == nil {
		err = w.Chmod(mode)
	}
	if err == nil {
		err = w.Sync()
	}
	if e := w.Close(); err == nil {
		err = e
	}
	if err != nil {
		d.root.Remove(temp)
		return d.cannot("write", f.Name, err)
	}
	return nil
}

// sync makes names durable.
func (d *jobsDir) sync() error {
	if err := d.self.Sync(); err != nil {
		return fmt.Errorf("cannot write to the jobs directory %s: %w", d.site.Jobs, errno(err))
	}
	return nil
}

func (d *jobsDir) cannot(do, name string, err error) error {
	return fmt.Errorf("cannot %s %s: %w", do, filepath.Join(d.site.Jobs, name), errno(err))
}

// errno is what the system said, without the call and the name on the way.
func errno(err error) error {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return err
}

// read returns the text of a job file and what it is. A link is not followed: what it leads to may be anybody's, and a
// file in its place would cut it off.
func (d *jobsDir) read(name string) ([]byte, fs.FileInfo, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, nil, d.cannot("read", name, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := d.root.Readlink(name)
		return nil, nil, fail(exitFailed, "edit what it leads to, then: jobsd reload", "%s is a symbolic link to %s",
			filepath.Join(d.site.Jobs, name), target)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fail(exitFailed, "", "%s is not a file", filepath.Join(d.site.Jobs, name))
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, d.cannot("read", name, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, d.cannot("read", name, err)
	}
	text, err := readText(f)
	if err != nil {
		return nil, nil, d.cannot("read", name, err)
	}
	return text, info, nil
}

// readText reads a job file, and of one that is too large so much that this shows.
func readText(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, jobfile.MaxFile+1)) }
