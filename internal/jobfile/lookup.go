package jobfile

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
)

// DefaultPath is the PATH of a job that says nothing else, behind its extra_path.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// DefaultUmask is the file mode mask of a job that says nothing else, whatever umask the daemon was started with.
const DefaultUmask = 0o022

// lookup finds the programs of one load. It touches no file system that a dead server could make hang: what leads there
// is left to the start of the run, which can wait.
type lookup struct {
	mounts mounts
	found  map[[2]string]string // by PATH and program
	local  map[string]bool      // folders, and whether all of the way to them is local
}

func newLookup() *lookup {
	return &lookup{mounts: readMounts(), found: map[[2]string]string{}, local: map[string]bool{}}
}

// program returns the path of the program that the job will execute, "" where that cannot be told before its start.
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

// pathOf returns the PATH of the job. A variable of env goes before one of env_file, and that before one of pass_env.
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

// dirOf returns where the job starts.
func (h *host) dirOf(d *Definition) string {
	switch {
	case d.Dir != "":
		return d.Dir
	case d.User != nil:
		return d.User.Home
	}
	return h.home
}

// noMailer says why the program that sends mail cannot be executed; "" also where only its start can tell.
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
	why := "there is no program " + printable(name)
	if path != "" {
		why += " in " + path
	}
	return why + ": install one or set mail.sendmail in " + filepath.Base(cmp.Or(c.File, "jobsd.toml"))
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

// search goes through PATH as execvp(3) does, up to the first folder that it must not look into. It tells whether it has
// looked into all that may have the program.
func (l *lookup) search(path, name string) (program string, looked bool) {
	if path == "" {
		path, name = filepath.Split(name)
	}
	for dir := range strings.SplitSeq(path, ":") {
		if !filepath.IsAbs(dir) || !l.isLocal(dir) {
			return "", false
		}
		file := filepath.Join(dir, name)
		switch ok, local := l.executable(file); {
		case !local:
			return "", false
		case ok:
			return file, true
		}
	}
	return "", true
}

// executable tells whether file is a program, if all that it links to is local.
func (l *lookup) executable(file string) (ok, local bool) {
	target, local := l.resolve(file)
	if !local {
		return false, false
	}
	st, err := os.Lstat(target)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0, true
}

// isLocal tells whether dir and all folders and links on the way to it are on local file systems.
func (l *lookup) isLocal(dir string) bool {
	local, done := l.local[dir]
	if !done {
		_, local = l.resolve(dir)
		l.local[dir] = local
	}
	return local
}

// resolve follows the links in path one step at a time and looks at each step only if it is on a local file system. Of
// a path that does not exist it returns what there is of it, followed by the rest.
func (l *lookup) resolve(path string) (target string, local bool) {
	const most = 40 // as Linux follows, path_resolution(7)
	links, at, rest := 0, "/", filepath.Clean(path)
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		next := filepath.Join(at, name)
		if !l.mounts.local(next) {
			return "", false
		}
		link, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		if links++; links > most {
			return next, true
		}
		if filepath.IsAbs(link) {
			at = "/"
		}
		rest = strings.TrimPrefix(filepath.Join(link, rest), "/")
		if up := strings.HasPrefix(rest, ".."); up {
			rest = strings.TrimPrefix(filepath.Join(at, rest), "/")
			at = "/"
		}
	}
	return at, true
}
