package machine

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/binfmt"
	"jobsd/internal/trust"
)

// Programs finds programs. It touches nothing that can block: no network file system, no file system in user space, and
// nothing below a directory that somebody besides root and the daemon's user can change. Such a user could put there,
// at any time, a file system like that, a FIFO, or a file with a lease. The start of a run, which can wait, looks up
// the programs in such places.
type Programs struct {
	judge  *trust.Judge
	mounts trust.Mounts
	found  map[[2]string]string // keyed by PATH and program
	safe   map[string]bool      // by folder: whether nothing on the way to it can block
}

func newPrograms(judge *trust.Judge) *Programs {
	return &Programs{judge: judge, mounts: trust.ReadMounts(), found: map[[2]string]string{}, safe: map[string]bool{}}
}

// Find returns the program that the PATH and the name lead to, "" if there is none or if only the start of a run can
// find it. With path "" the name is itself a path.
func (p *Programs) Find(path, name string) string {
	key := [2]string{path, name}
	program, done := p.found[key]
	if !done {
		program, _ = p.Search(path, name)
		p.found[key] = program
	}
	return program
}

// Search goes through PATH as execvp(3) does, up to the first folder that it must not read. looked is false if it
// stopped early, so that a later folder may have the program.
func (p *Programs) Search(path, name string) (program string, looked bool) {
	if path == "" {
		path, name = filepath.Split(name)
	}
	for dir := range strings.SplitSeq(path, ":") {
		if !filepath.IsAbs(dir) || !p.IsSafe(dir) {
			return "", false
		}
		file := filepath.Join(dir, name)
		switch ok, safe := p.executable(file); {
		case !safe:
			return "", false
		case ok:
			return file, true
		}
	}
	return "", true
}

// executable reports whether file is a program. safe is false if opening it to execute it can block.
func (p *Programs) executable(file string) (ok, safe bool) {
	target, st, err := p.stat(file)
	if err != nil || uint32(st.Mode)&0o111 == 0 || !isKind(&st, unix.S_IFREG) {
		return false, err != trust.ErrNotLocal
	}
	return true, p.interpretersAreSafe(target)
}

// Mode returns the type and the permissions of the file that a path leads to, as stat(2) does. The error is
// trust.ErrNotLocal if only the start of a run may look there.
func (p *Programs) Mode(path string) (uint32, error) {
	_, st, err := p.stat(path)
	return uint32(st.Mode), err
}

func (p *Programs) stat(path string) (target string, st unix.Stat_t, err error) {
	target, safe := p.resolve(path)
	if !safe {
		return "", st, trust.ErrNotLocal
	}
	st, err = p.mounts.Stat(target)
	return target, st, err
}

// interpretersAreSafe checks the interpreter or loader that the kernel also opens for a program, and the interpreter of
// that one.
func (p *Programs) interpretersAreSafe(program string) bool {
	for range 5 { // the kernel allows no deeper chain
		next, err := interpreter(program)
		if err != nil {
			return false // the daemon may not read the file, or it has changed
		}
		if next == "" {
			return true
		}
		target, st, err := p.stat(next)
		switch {
		case err == trust.ErrNotLocal || !filepath.IsAbs(next):
			return false
		case err != nil || !isKind(&st, unix.S_IFREG):
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

// IsSafe reports whether nothing on the way to dir, including dir, can block a process.
func (p *Programs) IsSafe(dir string) bool {
	safe, done := p.safe[dir]
	if !done {
		_, safe = p.resolve(dir)
		p.safe[dir] = safe
	}
	return safe
}

// resolve follows the links in path one step at a time, as long as nobody else can change the result. If path does not
// exist, it returns the part that exists, followed by the rest.
func (p *Programs) resolve(path string) (target string, safe bool) {
	const most = 40 // the limit of Linux, path_resolution(7)
	links, at, rest := 0, "/", filepath.Clean(path)
	root, err := p.mounts.Stat("/")
	if err != nil || !p.trusts(&root) {
		return "", false
	}
	dir := root // the status of at
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		next := filepath.Join(at, name)
		st, err := p.mounts.Stat(next)
		switch {
		case err == nil && p.trusts(&st) && !isKind(&st, unix.S_IFLNK):
			at, dir = next, st
			continue
		case err != nil && err != trust.ErrNotLocal: // nothing exists there, and in a shared folder anybody may create it
			return filepath.Join(next, rest), !p.judge.OthersWrite(&dir)
		case err != nil || !p.trusts(&st):
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
func (p *Programs) trusts(st *unix.Stat_t) bool {
	sticky := isKind(st, unix.S_IFDIR) && uint32(st.Mode)&unix.S_ISVTX != 0
	link := isKind(st, unix.S_IFLNK) // the mode of a link means nothing
	return p.judge.Mine(int(st.Uid)) && (link || sticky || !p.judge.OthersWrite(st))
}

func isKind(st *unix.Stat_t, kind uint32) bool { return uint32(st.Mode)&unix.S_IFMT == kind }
