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

	"jobsd/internal/durable"
	"jobsd/internal/jobfile"
)

// jobsDir is the jobs directory, locked for a change. All verbs that write to it hold the lock while they read and write.
type jobsDir struct {
	*durable.Dir
	site *site
}

// newFile is a new job file: its name in the jobs directory, and its text.
type newFile struct {
	Name string
	Text []byte
}

// newPrefix begins the names of temporary files, which a daemon ignores. The rest is the name of the file. So the next
// process knows which files a killed one left; renameio makes names that look like those of an editor.
const newPrefix = ".jobsd-new-"

// lockJobs opens the jobs directory for writing. If it has to wait for another process, it prints for which one; an interrupt
// ends the program.
func (a *app) lockJobs(s *site) (*jobsDir, error) {
	dir, err := durable.Open(s.Jobs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitFailed, "make it with: mkdir -p -m 755 "+s.Jobs, "the jobs directory %s does not exist", s.Jobs)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the jobs directory: %w", err)
	}
	d := &jobsDir{dir, s}
	err = unix.Faccessat(int(d.Self.Fd()), ".", unix.W_OK, unix.AT_EACCESS) // a user who cannot write must not block others
	if err == nil {
		err = a.lock(d.Self)
	}
	if err == nil {
		err = d.sweep()
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("cannot write to the jobs directory %s: %w", s.Jobs, errno(err))
	}
	return d, nil
}

func (a *app) lock(dir *os.File) error {
	err := durable.Lock(dir, false)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	holder := "another process"
	if pid := durable.Holder(dir); pid > 0 {
		holder = fmt.Sprintf("pid %d", pid)
	}
	fmt.Fprintf(a.err, "jobsd: waiting for %s, which is changing job files\n", holder)
	return durable.Lock(dir, true)
}

// sweep removes the temporary files of processes that were killed.
func (d *jobsDir) sweep() error {
	names, err := d.Names()
	for _, name := range names {
		if strings.HasPrefix(name, newPrefix) && err == nil {
			err = d.Remove(name)
		}
	}
	return err
}

// try checks files together with the whole directory. It returns their jobs, or the mistakes that the files would add.
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

// loaded returns a loader that has read the jobs directory.
func (s *site) loaded() *jobfile.Loader {
	l := jobfile.NewLoader(jobfile.Options{Jobs: s.Jobs, Config: s.configFile})
	l.Load()
	return l
}

// absent returns an error if one of the files exists already.
func (d *jobsDir) absent(files []newFile) error {
	for _, f := range files {
		if _, err := d.Lstat(f.Name); !errors.Is(err, fs.ErrNotExist) {
			return d.site.isThere(f.Name)
		}
	}
	return nil
}

func (s *site) isThere(name string) error {
	hint := fmt.Sprintf("%q changes it; to replace it, remove it first", "jobsd edit "+name)
	return fail(exitFailed, hint, "%s already exists", filepath.Join(s.Jobs, name))
}

// create writes new files, all or none of them. Each file is complete and durable before it gets its name.
func (d *jobsDir) create(files []newFile) error {
	for _, f := range files {
		if err := d.writeNew(f, 0o644, -1); err != nil {
			return err
		}
		defer d.Remove(newPrefix + f.Name)
	}
	for i, f := range files {
		err := d.Link(newPrefix+f.Name, f.Name) // Link never replaces a file
		if err == nil {
			continue
		}
		for _, done := range files[:i] {
			d.Remove(done.Name)
		}
		if errors.Is(err, fs.ErrExist) {
			return d.site.isThere(f.Name)
		}
		return d.cannot("write", f.Name, err)
	}
	return d.sync()
}

// replace gives a file a new text. The file keeps its group and its mode, except that others cannot write to it.
func (d *jobsDir) replace(f newFile, was fs.FileInfo) error {
	gid := -1
	if st, ok := was.Sys().(*syscall.Stat_t); ok {
		gid = int(st.Gid)
	}
	if err := d.writeNew(f, was.Mode().Perm()&^0o022, gid); err != nil {
		return err
	}
	if err := d.Rename(newPrefix+f.Name, f.Name); err != nil {
		d.Remove(newPrefix + f.Name)
		return d.cannot("write", f.Name, err)
	}
	return d.sync()
}

func (d *jobsDir) remove(name string) error {
	if err := d.Remove(name); err != nil {
		return d.cannot("remove", name, err)
	}
	return d.sync()
}

// writeNew writes a file under its temporary name. The file belongs to this user and has this mode under any umask. A gid
// of -1 means the default group.
func (d *jobsDir) writeNew(f newFile, mode fs.FileMode, gid int) error {
	temp := newPrefix + f.Name
	w, err := d.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
		d.Remove(temp)
		return d.cannot("write", f.Name, err)
	}
	return nil
}

// sync makes changed names durable.
func (d *jobsDir) sync() error {
	if err := d.Flush(); err != nil {
		return fmt.Errorf("cannot write to the jobs directory %s: %w", d.site.Jobs, errno(err))
	}
	return nil
}

func (d *jobsDir) cannot(do, name string, err error) error {
	return fmt.Errorf("cannot %s %s: %w", do, filepath.Join(d.site.Jobs, name), errno(err))
}

// errno returns the error of the system without the call and the temporary name.
func errno(err error) error {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	return err
}

// read returns the text and the file info of a job file. It does not follow a symbolic link: its target may belong to
// anybody, and replacing the link by a file would disconnect it from the target.
func (d *jobsDir) read(name string) ([]byte, fs.FileInfo, error) {
	info, err := d.Lstat(name)
	if err != nil {
		return nil, nil, d.cannot("read", name, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := d.Readlink(name)
		return nil, nil, fail(exitFailed, "edit its target, then run: jobsd reload", "%s is a symbolic link to %s",
			filepath.Join(d.site.Jobs, name), target)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fail(exitFailed, "", "%s is not a regular file", filepath.Join(d.site.Jobs, name))
	}
	f, err := d.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
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

// readText reads a job file. It stops one byte after the size limit, so that the check finds a file that is too large.
func readText(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, jobfile.MaxFile+1)) }
