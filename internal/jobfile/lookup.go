package jobfile

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/binfmt"
	"jobsd/internal/trust"
)

// DefaultPath is the default PATH of a job, after its extra_path.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// DefaultUmask is the default file mode mask of a job, whatever the umask of the daemon.
const DefaultUmask = 0o022

// lookup finds the programs of one load. It touches nothing that can block: no network file system, no file system in
// user space, and nothing below a directory that somebody besides root and the daemon's user can change. Such a user
// could put there, at any time, a file system like that, a FIFO, or a file with a lease. The start of a run, which can
// wait, looks up the programs in such places.
type lookup struct {
	judge  *trust.Judge
	mounts mounts
	found  map[[2]string]string // keyed by PATH and program
	safe   map[string]bool      // by folder: whether nothing on the way to it can block
}

func newLookup(judge *trust.Judge) *lookup {
	return &lookup{judge: judge, mounts: readMounts(), found: map[[2]string]string{}, safe: map[string]bool{}}
}

// program returns the path of the program that the job will execute, "" if only the start can find it.
func (h *host) program(d *Definition) string {
	name := d.Argv[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(h.dirOf(d), name)
		}
		return h.programs.find("", name)
	}
	path, known := h.pathOf(d)
	if !known {
		return ""
	}
	return h.programs.find(path, name)
}

// pathOf returns the PATH of the job. A variable of env overrides env_file, which overrides pass_env.
func (h *host) pathOf(d *Definition) (path string, known bool) {
	path = DefaultPath
	set := false
	for _, v := range d.Env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path, set = p, true
		}
	}
	if !set && d.EnvFile != "" {
		return "", false
	}
	for _, name := range d.PassEnv {
		if name == "PATH" && !set && h.path != "" {
			path = h.path
		}
	}
	if len(d.ExtraPath) > 0 {
		path = strings.Join(d.ExtraPath, ":") + ":" + path
	}
	return path, true
}

// dirOf returns the directory in which the job starts.
func (h *host) dirOf(d *Definition) string {
	switch {
	case d.Dir != "":
		return d.Dir
	case d.User != nil:
		return d.User.Home
	}
	return h.home
}

// noMailer says why the program that sends mail cannot be executed. It returns "" if only a start can find out.
func (h *host) noMailer(c *Config) string {
	name, path := c.Mail.Sendmail[0], ""
	if !strings.Contains(name, "/") {
		path = DefaultPath
	} else if !filepath.IsAbs(name) {
		name = filepath.Join(h.home, name)
	}
	if program, known := h.programs.search(path, name); program != "" || !known {
		return ""
	}
	why := "cannot find the program " + printable(name)
	if path != "" {
		why += " in " + path
	}
	return why + ": install one or set mail.sendmail in " + printable(cmp.Or(c.File, "jobsd.toml"))
}

func (l *lookup) find(path, name string) string {
	key := [2]string{path, name}
	program, done := l.found[key]
	if !done {
		program, _ = l.search(path, name)
		l.found[key] = program
	}
	return program
}

// search goes through PATH as execvp(3) does, up to the first folder that it must not read. looked is false if it
// stopped early, so that a later folder may have the program.
func (l *lookup) search(path, name string) (program string, looked bool) {
	if path == "" {
		path, name = filepath.Split(name)
	}
	for dir := range strings.SplitSeq(path, ":") {
		if !filepath.IsAbs(dir) || !l.isSafe(dir) {
			return "", false
		}
		file := filepath.Join(dir, name)
		switch ok, safe := l.executable(file); {
		case !safe:
			return "", false
		case ok:
			return file, true
		}
	}
	return "", true
}

// executable reports whether file is a program. safe is false if opening it to execute it can block.
func (l *lookup) executable(file string) (ok, safe bool) {
	target, safe := l.resolve(file)
	if !safe {
		return false, false
	}
	st, err := l.mounts.look(target)
	if err != nil || !isKind(&st, unix.S_IFREG) || uint32(st.Mode)&0o111 == 0 {
		return false, true
	}
	return true, l.interpretersAreSafe(target)
}

// interpretersAreSafe checks the interpreter or loader that the kernel also opens for a program, and the interpreter of
// that one.
func (l *lookup) interpretersAreSafe(program string) bool {
	for range 5 { // the kernel allows no deeper chain
		next, err := interpreter(program)
		if err != nil {
			return false // the daemon may not read the file, or it has changed
		}
		if next == "" {
			return true
		}
		target, safe := l.resolve(next)
		if !filepath.IsAbs(next) || !safe {
			return false
		}
		if st, err := l.mounts.look(target); err != nil || !isKind(&st, unix.S_IFREG) {
			return true // so the exec fails
		}
		program = target
	}
	return true
}

// interpreter returns the interpreter of a regular file. Reading the file cannot block.
func interpreter(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return binfmt.Interpreter(f)
}

// isSafe reports whether nothing on the way to dir, including dir, can block a process.
func (l *lookup) isSafe(dir string) bool {
	safe, done := l.safe[dir]
	if !done {
		_, safe = l.resolve(dir)
		l.safe[dir] = safe
	}
	return safe
}

// resolve follows the links in path one step at a time, as long as nobody else can change the result. If path does not
// exist, it returns the part that exists, followed by the rest.
func (l *lookup) resolve(path string) (target string, safe bool) {
	const most = 40 // the limit of Linux, path_resolution(7)
	links, at, rest := 0, "/", filepath.Clean(path)
	root, err := l.mounts.look("/")
	if err != nil || !l.trusts(&root) {
		return "", false
	}
	dir := root // the status of at
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		next := filepath.Join(at, name)
		st, err := l.mounts.look(next)
		switch {
		case err == nil && l.trusts(&st) && !isKind(&st, unix.S_IFLNK):
			at, dir = next, st
			continue
		case err != nil && err != errNotLocal: // nothing exists there, and in a shared folder anybody may create it
			return filepath.Join(next, rest), !l.judge.OthersWrite(&dir)
		case err != nil || !l.trusts(&st):
			return "", false
		}
		link, err := os.Readlink(next)
		if err != nil {
			return "", false
		}
		if links++; links > most {
			return next, true
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(at, link)
		}
		at, dir, rest = "/", root, strings.TrimPrefix(filepath.Join(link, rest), "/")
	}
	return at, true
}

// trusts reports whether nobody besides root and the daemon's user can change this file. In a sticky folder such as
// /tmp, others cannot change the entries of those two, and cannot mount anything on them.
func (l *lookup) trusts(st *unix.Stat_t) bool {
	sticky := isKind(st, unix.S_IFDIR) && uint32(st.Mode)&unix.S_ISVTX != 0
	link := isKind(st, unix.S_IFLNK) // the mode of a link means nothing
	return l.judge.Mine(int(st.Uid)) && (link || sticky || !l.judge.OthersWrite(st))
}

func isKind(st *unix.Stat_t, kind uint32) bool { return uint32(st.Mode)&unix.S_IFMT == kind }

// errNotLocal says that a path leads to a file system that may block.
var errNotLocal = errors.New("not on a local file system")
