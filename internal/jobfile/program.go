package jobfile

import (
	"cmp"
	"path/filepath"
	"strings"
)

// DefaultPath is the default PATH of a job, after its extra_path.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// DefaultUmask is the default file mode mask of a job, whatever the umask of the daemon.
const DefaultUmask = 0o022

// program returns the path of the program that the job will execute, "" if only the start can find it.
func (h *host) program(d *Definition) string {
	name := d.Argv[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(h.dirOf(d), name)
		}
		return h.Programs.Find("", name)
	}
	path, known := h.pathOf(d)
	if !known {
		return ""
	}
	return h.Programs.Find(path, name)
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
	why := "cannot find the program " + printable(name)
	if path != "" {
		why += " in " + path
	}
	return why + ": install one or set mail.sendmail in " + printable(cmp.Or(c.File, "jobsd.toml"))
}
