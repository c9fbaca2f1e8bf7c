package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
)

// places has the options that say where things are; "" means not given.
type places struct {
	root, config string
	dirs         jobfile.Dirs
	user, system bool
}

// site is one jobsd: its directories and its settings.
type site struct {
	jobfile.Dirs
	root       string // "" without --root
	user       bool   // it belongs to a user, not to the system; has no meaning with --root
	configFile string // the file may be missing
	config     *jobfile.Config
	broken     error // what is wrong with the config file; config has the defaults then
}

func (p *places) options() []option {
	return []option{
		opt("root", aDirectory, &p.root, "keep jobs.d, state, log, run and jobsd.toml in DIR (environment: JOBSD_ROOT)"),
		opt("user", nothing, &p.user, "use your own jobsd, in the XDG directories"),
		opt("system", nothing, &p.system, "use the machine's jobsd: /etc/jobs.d, /var/lib/jobsd, /var/log/jobsd, /run/jobsd"),
		opt("config", aTOMLFile, &p.config, "read FILE as jobsd.toml, the settings of the daemon"),
		opt("jobs-dir", aDirectory, &p.dirs.Jobs, "read the job files in DIR"),
		opt("state-dir", aDirectory, &p.dirs.State, "keep the state file and the journal in DIR"),
		opt("log-dir", aDirectory, &p.dirs.Log, "keep the logs in DIR"),
		opt("run-dir", aDirectory, &p.dirs.Run, "keep the pid file and the control socket in DIR"),
	}
}

// site returns the site of this user's daemon. Root's daemon is that of the system. The settings must be valid.
func (p *places) site() (*site, error) {
	s, err := p.resolve(os.Geteuid() != 0)
	if err == nil && s.broken != nil {
		err = s.broken
	}
	return s, err
}

// readerSite returns the site for a reader: the user's own jobsd if there is one, else the system's. Broken settings are
// no error here because a running daemon continues with the last good ones.
func (p *places) readerSite() (*site, error) {
	s, err := p.resolve(os.Geteuid() != 0)
	if os.Geteuid() == 0 || p.chosen() || err == nil && (exists(s.State) || exists(s.Jobs)) {
		return s, err
	}
	system, broken := p.resolve(false)
	if err != nil && (broken != nil || !exists(system.State)) { // a user without a home cannot have an own jobsd
		return nil, err
	}
	return system, broken
}

// chosen reports whether the options already determine the site.
func (p *places) chosen() bool {
	return p.user || p.system || p.dirs.State != "" || p.rootDir() != ""
}

// rootDir is --root or, unless --user or --system is given, JOBSD_ROOT of the environment.
func (p *places) rootDir() string {
	if p.user || p.system {
		return p.root
	}
	return cmp.Or(p.root, os.Getenv("JOBSD_ROOT"))
}

// resolve takes each directory from the first source that has it: the options, the config file, systemd's environment, the
// defaults. With --root, it ignores systemd's environment.
func (p *places) resolve(own bool) (*site, error) {
	switch {
	case p.user && p.system, p.root != "" && (p.user || p.system):
		return nil, usage("", "--root, --user and --system cannot be combined")
	case p.user:
		own = true
	case p.system:
		own = false
	}
	s := &site{root: p.rootDir(), user: own}
	var usual jobfile.Dirs
	switch {
	case s.root != "":
		s.root = absolute(s.root)
		usual, s.configFile = underRoot(s.root)
	case own:
		home, _ := homeDir() // an error does not matter if the environment names all directories
		usual, s.configFile = underHome(home, os.Getenv)
	default:
		usual, s.configFile = underSystem()
	}
	if p.config != "" {
		s.configFile = absolute(p.config)
	}
	if err := s.readConfig(p.config != ""); err != nil {
		return nil, err
	}
	var systemd jobfile.Dirs
	if s.root == "" {
		systemd = fromSystemd(os.Getenv)
	}
	if s.Dirs = first(p.dirs, s.config.Dirs, systemd, usual); s.Jobs == "" || s.State == "" || s.Log == "" || s.Run == "" {
		return nil, fail(exitFailed, homeless, "cannot choose directories: user %d has no home directory", os.Geteuid())
	}
	return s, nil
}

// host is the name of this machine. Without a name, no machine matches.
func (s *site) host() string {
	name, _ := os.Hostname()
	return cmp.Or(s.config.Machine, name)
}

// homeless is the hint for users without a writable home directory, as in many containers.
const homeless = "use --root DIR, or set XDG_CONFIG_HOME and XDG_STATE_HOME to directories that this user can write to"

// placed adds this hint to the error of a daemon that cannot make its directories in the home of its user.
func (s *site) placed(err error) error {
	var cannot *fs.PathError
	if s.root == "" && s.user && errors.As(err, &cannot) && cannot.Op == "mkdir" {
		return &failure{codeOf(err), err, homeless}
	}
	return err
}

// readConfig reads the settings. If must is true, a missing file is an error.
func (s *site) readConfig(must bool) (err error) {
	s.config, err = jobfile.ReadConfig(s.configFile)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case err == nil, missing && !must:
		return nil
	case missing:
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	s.broken = fmt.Errorf("cannot read the settings: %w", err)
	return nil
}

// first takes each directory from the first of choices that names it, and makes it absolute.
func first(choices ...jobfile.Dirs) jobfile.Dirs {
	pick := func(of func(jobfile.Dirs) string) string {
		for _, c := range choices {
			if dir := of(c); dir != "" {
				return absolute(dir)
			}
		}
		return ""
	}
	return jobfile.Dirs{
		Jobs:  pick(func(d jobfile.Dirs) string { return d.Jobs }),
		State: pick(func(d jobfile.Dirs) string { return d.State }),
		Log:   pick(func(d jobfile.Dirs) string { return d.Log }),
		Run:   pick(func(d jobfile.Dirs) string { return d.Run }),
	}
}

func underRoot(root string) (jobfile.Dirs, string) {
	in := func(name string) string { return filepath.Join(root, name) }
	return jobfile.Dirs{Jobs: in("jobs.d"), State: in("state"), Log: in("log"), Run: in("run")}, in("jobsd.toml")
}

func underSystem() (jobfile.Dirs, string) {
	return jobfile.Dirs{Jobs: "/etc/jobs.d", State: "/var/lib/jobsd", Log: "/var/log/jobsd", Run: "/run/jobsd"},
		"/etc/jobsd.toml"
}

// homeDir is HOME or, if it is not set, the home directory in the user database.
func homeDir() (string, error) {
	if home, err := os.UserHomeDir(); err == nil {
		return home, nil
	}
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("cannot find the home directory: %w", err)
	}
	return me.HomeDir, nil
}

// underHome follows the XDG base directory specification. If home is "", only the directories that the environment names
// are set.
func underHome(home string, getenv func(string) string) (jobfile.Dirs, string) {
	base := func(name, usual string) string {
		dir := getenv(name)
		switch {
		case filepath.IsAbs(dir): // the specification says to ignore a relative path
			return filepath.Join(dir, "jobsd")
		case home == "":
			return ""
		}
		return filepath.Join(home, usual, "jobsd")
	}
	in := func(dir, name string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	config := base("XDG_CONFIG_HOME", ".config")
	state := base("XDG_STATE_HOME", ".local/state")
	return jobfile.Dirs{
		Jobs:  in(config, "jobs.d"),
		State: state,
		Log:   in(state, "log"),
		Run:   cmp.Or(in(runtimeDir(getenv("XDG_RUNTIME_DIR")), "jobsd"), in(state, "run")),
	}, in(config, "jobsd.toml")
}

// runtimeDir returns the runtime directory of the user if it is as the XDG base directory specification demands, and
// otherwise "". The variable may be left over from the session of another user, as after su(1). The directory is in memory,
// which outlives the daemon and not the machine.
func runtimeDir(dir string) string {
	var st unix.Stat_t
	if !filepath.IsAbs(dir) || unix.Stat(dir, &st) != nil || st.Mode&(unix.S_IFMT|0o777) != unix.S_IFDIR|0o700 || int(st.Uid) != os.Geteuid() {
		return ""
	}
	return dir
}

// fromSystemd reads the variables of systemd.exec(5). It takes the first directory of a list.
func fromSystemd(getenv func(string) string) jobfile.Dirs {
	dir := func(name string) string {
		d, _, _ := strings.Cut(getenv(name), ":")
		return d
	}
	return jobfile.Dirs{
		Jobs:  dir("CONFIGURATION_DIRECTORY"),
		State: dir("STATE_DIRECTORY"),
		Log:   dir("LOGS_DIRECTORY"),
		Run:   dir("RUNTIME_DIRECTORY"),
	}
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
