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
	if err != nil || uint32(st.Mode)&0o111 == 0 || !isRegular(&st) {
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
	if target, err = p.judge.WalkLocal(p.mounts, path); err == nil {
		st, err = p.mounts.Stat(target)
	}
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
		case err != nil || !isRegular(&st):
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
		_, err := p.judge.WalkLocal(p.mounts, dir)
		safe = err != trust.ErrNotLocal
		p.safe[dir] = safe
	}
	return safe
}

func isRegular(st *unix.Stat_t) bool { return uint32(st.Mode)&unix.S_IFMT == unix.S_IFREG }
