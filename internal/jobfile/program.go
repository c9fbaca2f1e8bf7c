package jobfile

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"jobsd/internal/plain"
)

// DefaultPath is the default PATH of a job, after its extra_path.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// DefaultUmask is the default file mode mask of a job, whatever the umask of the daemon.
const DefaultUmask = 0o022

// program returns the path of the program with that name that the job will execute, "" if only the start can find it.
func (h *host) program(d *Definition, name string) string {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(h.dirOf(d), name)
		}
		return h.Programs.Find("", name)
	}
	if d.EnvFile != "" { // it may set PATH
		return ""
	}
	return h.Programs.Find(d.Path(h.path), name)
}

// Path returns the PATH of the job's process before it reads its env_file. daemon is PATH in the daemon's environment;
// an empty one counts as not set.
func (d *Definition) Path(daemon string) string {
	path := DefaultPath
	if slices.Contains(d.PassEnv, "PATH") {
		path = cmp.Or(daemon, path)
	}
	for _, v := range d.Env {
		if set, ok := strings.CutPrefix(v, "PATH="); ok {
			path = set
		}
	}
	all := slices.Clone(d.ExtraPath)
	if path != "" { // an empty entry is the working directory
		all = append(all, path)
	}
	return strings.Join(all, ":")
}

// dirOf returns the directory in which the job starts.
func (h *host) dirOf(d *Definition) string {
	switch {
	case d.Dir != "":
		return d.Dir
	case d.User != nil:
		return d.User.Home
	}
	return h.Home
}

// noMailer says why the program that sends mail cannot be executed. It returns "" if only a start can find out.
func (h *host) noMailer(c *Config) string {
	name, path := c.Mail.Sendmail[0], ""
	if !strings.Contains(name, "/") {
		path = DefaultPath
	} else if !filepath.IsAbs(name) {
		name = filepath.Join(h.Home, name)
	}
	if program, known := h.Programs.Search(path, name); program != "" || !known {
		return ""
	}
	why := "cannot find the program " + plain.Word(name)
	if path != "" {
		why += " in " + path
	}
	return why + ": install one or set mail.sendmail in " + plain.Word(cmp.Or(c.File, "jobsd.toml"))
}
