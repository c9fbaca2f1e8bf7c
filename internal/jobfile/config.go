package jobfile

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is what jobsd.toml says.
type Config struct {
	File         string // its path
	Mail         Mail
	MaxRunning   int // 0: any number
	CatchUpDelay time.Duration
	Machine      string // stands for the host name everywhere; "": the host name
	Group        string // of journal and logs, a name or a number; "": the daemon's own
	Dirs         Dirs
	Journal      Journal
	SharedState  bool // the state directory need not be on a local file system
	Watch        bool // reload without being asked when job files change

	defaults *node  // [defaults], nil without
	text     string // of the file
}

// Dirs are the folders that jobsd works with; "" where it is not said.
type Dirs struct{ Jobs, State, Log, Run string }

// Mail says how mail is sent.
type Mail struct {
	Sendmail []string // the program and its arguments
	From     string   // "": the daemon's user
	To       []string // of jobs that name nobody, and of the daemon's own mail
}

// Journal says when the journal is rotated and how many files are kept.
type Journal struct {
	MaxSize int64 // bytes
	Keep    int
}

// configKeys is the one place where a key of jobsd.toml is added.
var configKeys = newKeys(
	row("defaults", "Values for the keys of all jobs that do not say them themselves.",
		defaultKeys, nil, func(c *Config) **node { return &c.defaults }),
	row("mail", "How mail is sent and who gets it.",
		sub(mailKeys), mailKeys.zero, func(c *Config) *Mail { return &c.Mail }),
	row("max_running", "No more runs than this at once; 0: any number. Services do not count.",
		whole[int](0, math.MaxInt32), 0, func(c *Config) *int { return &c.MaxRunning }),
	row("catch_up_delay", "How long runs that make up for missed slots wait.",
		duration(0), 0, func(c *Config) *time.Duration { return &c.CatchUpDelay }),
	row("machine", "Stands for the host name everywhere.",
		hostName, "", func(c *Config) *string { return &c.Machine }),
	row("group", "The group of the journal and the logs, which may read them.",
		knownGroup, "", func(c *Config) *string { return &c.Group }),
	row("jobs_dir", "Where the job files are.",
		file, "", func(c *Config) *string { return &c.Dirs.Jobs }),
	row("state_dir", "Where the state file and the journal are.",
		file, "", func(c *Config) *string { return &c.Dirs.State }),
	row("log_dir", "Where the logs are.",
		file, "", func(c *Config) *string { return &c.Dirs.Log }),
	row("run_dir", "Where the pid file and the control socket are.",
		file, "", func(c *Config) *string { return &c.Dirs.Run }),
	row("shared_state", "Whether the state directory may be on a file system that other machines can share.",
		truth, false, func(c *Config) *bool { return &c.SharedState }),
	row("watch", "Whether the daemon reloads by itself when job files or this file change.",
		truth, false, func(c *Config) *bool { return &c.Watch }),
	row("journal", "When the journal begins a new file and how many are kept.",
		sub(journalKeys), journalKeys.zero, func(c *Config) *Journal { return &c.Journal }),
)

var mailKeys = newKeys(
	row("sendmail", "The program that sends mail, with its arguments.",
		oneOrMore(anyText, 1), []string{"/usr/sbin/sendmail"}, func(m *Mail) *[]string { return &m.Sendmail }),
	row("from", "Whom mail is from.",
		mailAddress, "", func(m *Mail) *string { return &m.From }),
	row("to", "Who is told of jobs that name nobody, and of crashes of the daemon.",
		oneOrMore(mailAddress, 0), nil, func(m *Mail) *[]string { return &m.To }),
)

var journalKeys = newKeys(
	row("max_size", "A journal that has grown larger begins a new file.",
		size(64<<10), 16e6, func(j *Journal) *int64 { return &j.MaxSize }),
	row("keep", "How many older files are kept.",
		whole[int](1, 1000), 8, func(j *Journal) *int { return &j.Keep }),
)

// knownGroup is a group that there is.
var knownGroup = typ[string]{name: account.name, schema: account.schema, write: account.write, read: func(r *reader, n *node) (string, bool) {
	s, ok := account.read(r, n)
	if ok {
		if _, ok = r.host.accounts.group(s); !ok {
			r.fail(n, "there is no group %q", s)
		}
	}
	return s, ok
}}

// defaultKeys is a table of job keys that many jobs can share. Its values are checked here, once, where they stand.
var defaultKeys = typ[*node]{name: "table of job keys", schema: sharedSchema, print: printNode, read: func(r *reader, n *node) (*node, bool) {
	if n.kind != table {
		r.wrong(n, "a table of job keys")
		return nil, false
	}
	before, prefix := r.mistakes(), r.key
	shared := &node{src: n.src, at: n.at, kind: table}
	for _, kid := range n.kids {
		if k := jobKeys.byName[kid.key]; k != nil && k.marks&own != 0 {
			r.failAs(join(prefix, k.name), kid, "each job says this for itself: it has no default")
			continue
		}
		shared.add(kid)
	}
	r.key = ""
	d := jobKeys.zero
	jobKeys.read(r, shared, &d)
	r.account(shared, &d)
	r.when(shared, &d)
	r.key = prefix
	return shared, r.mistakes() == before
}}

// sharedSchema is that of a job without the keys that each job says for itself.
func sharedSchema() schema {
	s := jobKeys.schema()
	for _, k := range jobKeys.rows {
		if k.marks&own != 0 {
			delete(s["properties"].(schema), k.name)
		}
	}
	return s
}

// ReadConfig reads jobsd.toml, which has to be as safe from others as a job file. When there is none it returns the
// defaults and an error that is fs.ErrNotExist. All that is wrong with it is told at once, one line each.
func ReadConfig(path string) (*Config, error) {
	h := thisHost(time.Now())
	text, secret, err := h.readConfig(path)
	if err != nil {
		return newConfig(path), err
	}
	return h.parseConfig(path, text, secret)
}

func newConfig(path string) *Config {
	c := configKeys.zero
	c.File = path
	return &c
}

// readConfig reads the file; secret tells that it is reached through a symbolic link.
func (h *host) readConfig(path string) (text string, secret bool, err error) {
	if _, err := os.Lstat(path); err != nil {
		return "", false, err
	}
	parent, err := h.wayTo(filepath.Dir(path)) // through links such as /etc on macOS
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", printable(path), err)
	}
	dir, err := openFolderHere(h, parent)
	if err != nil {
		return "", false, err
	}
	defer dir.close()
	looked, err := dir.look(filepath.Base(path))
	if err == nil {
		text, _, err = dir.read(filepath.Base(path), looked)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", printable(path), err)
	}
	return text, looked.link(), err
}

func (h *host) parseConfig(path, text string, secret bool) (*Config, error) {
	src := newSource(printable(filepath.Base(path)), filepath.Dir(path), text)
	src.secret = secret
	c := newConfig(path)
	c.text = text
	root, err := tree(src, strings.TrimSuffix(path, ".json")) // TOML whatever its name
	if err != nil {
		return newConfig(path), err
	}
	r := &reader{host: h}
	configKeys.read(r, root, c)
	if r.errs != nil {
		return newConfig(path), Errors(r.all(src.name))
	}
	return c, nil
}
