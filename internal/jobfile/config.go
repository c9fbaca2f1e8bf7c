package jobfile

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jobsd/internal/plain"
)

// Config holds the settings of jobsd.toml.
type Config struct {
	File         string // its path
	Mail         Mail
	MaxRunning   int // 0: any number
	CatchUpDelay time.Duration
	Machine      string // replaces the host name everywhere; "": the host name
	Group        string // of journal and logs, a name or a number; "": the daemon's group
	Dirs         Dirs
	Journal      Journal
	SharedState  bool // allows a state directory on a file system that is not local
	Watch        bool // reload automatically when job files change
	Log          Output

	// Targets are the receivers of notifications, by name. Jobs name them in Notify.To.
	Targets   map[string]*Target
	Heartbeat *Heartbeat // nil: none
	Daemon    Daemon

	defaults *node  // the table [defaults]; nil if there is none
	text     string // the text of the file
	unknown  bool   // the file has mistakes, and these are the values of no file
}

// Dirs are the directories that jobsd uses; "" if the file does not set one.
type Dirs struct{ Jobs, State, Log, Run string }

// Daemon says what happens if something is wrong with the daemon itself.
type Daemon struct {
	Notify []string // names of targets; without any, the default recipients of mail are notified
}

// Mail says how mail is sent.
type Mail struct {
	Sendmail []string // the program and its arguments
	From     string   // "": the daemon's user
	To       []string // recipients for jobs without notify.mail, and for mail about the daemon itself
}

// Output says where the output of all jobs goes.
type Output struct {
	Output string // files, stdout or both
	Format string // of lines on standard output: text or json
}

// The values of Output.
var (
	Outputs       = []string{"files", "stdout", "both"}
	OutputFormats = []string{"text", "json"}
)

// Journal says when the journal is rotated and how many files are kept.
type Journal struct {
	MaxSize int64 // bytes
	Keep    int
}

// configKeys is the one place to add a key of jobsd.toml.
var configKeys = newKeys(
	row("defaults", "Default values for the keys of all jobs.",
		defaultKeys, nil, func(c *Config) **node { return &c.defaults }),
	row("mail", "Sending of mail, and its default recipients.",
		sub(mailKeys, `{to = "root"}`), mailKeys.zero, func(c *Config) *Mail { return &c.Mail }),
	row("max_running", "Limit of runs at the same time; 0: no limit. Services do not count.",
		whole[int](0, math.MaxInt32), 0, func(c *Config) *int { return &c.MaxRunning }),
	row("catch_up_delay", "Delay of runs that make up for missed slots.",
		duration(0), 0, func(c *Config) *time.Duration { return &c.CatchUpDelay }),
	row("machine", "Name that replaces the host name everywhere.",
		hostName, "", func(c *Config) *string { return &c.Machine }),
	row("group", "Group that owns the journal and the logs and may read them.",
		knownGroup, "", func(c *Config) *string { return &c.Group }),
	row("jobs_dir", "Directory of the job files.",
		file, "", func(c *Config) *string { return &c.Dirs.Jobs }),
	row("state_dir", "Directory of the state file and the journal.",
		file, "", func(c *Config) *string { return &c.Dirs.State }),
	row("log_dir", "Directory of the logs.",
		file, "", func(c *Config) *string { return &c.Dirs.Log }),
	row("run_dir", "Directory of the pid file and the control socket.",
		file, "", func(c *Config) *string { return &c.Dirs.Run }),
	row("shared_state", "If true, the state directory may be on a file system that other machines can share.",
		truth, false, func(c *Config) *bool { return &c.SharedState }),
	row("watch", "If true, the daemon reloads automatically when job files or this file change.",
		truth, false, func(c *Config) *bool { return &c.Watch }),
	row("journal", "Rotation of the journal.",
		sub(journalKeys, `{max_size = "16MB"}`), journalKeys.zero, func(c *Config) *Journal { return &c.Journal }),
	row("notify", "Targets, which are named receivers of notifications.",
		targetTables, nil, func(c *Config) *map[string]*Target { return &c.Targets }),
	row("daemon", "Notifications about the daemon itself.",
		sub(daemonKeys, `{notify = ["phone"]}`), daemonKeys.zero, func(c *Config) *Daemon { return &c.Daemon }),
	row("heartbeat", "Request that the daemon sends at intervals, so that another machine notices its death.",
		heartbeat, nil, func(c *Config) **Heartbeat { return &c.Heartbeat }),
	row("log", "Output of all jobs.",
		sub(outputKeys, `{output = "both"}`), outputKeys.zero, func(c *Config) *Output { return &c.Log }),
)

var outputKeys = newKeys(
	row("output", "Where the output of jobs goes: to log files, to the standard output of the daemon, or to both.",
		choice(Outputs...), "files", func(o *Output) *string { return &o.Output }),
	row("format", "Format of the lines on standard output: text, or a JSON object for each line.",
		choice(OutputFormats...), "text", func(o *Output) *string { return &o.Format }),
)

var daemonKeys = newKeys(
	row("notify", "Targets that are notified if the daemon has crashed or has disabled all jobs, instead of \"to\" of [mail].",
		oneOrMore(targetName, 0), nil, func(d *Daemon) *[]string { return &d.Notify }),
)

var mailKeys = newKeys(
	row("sendmail", "Program that sends mail, with its arguments.",
		oneOrMore(anyText, 1), []string{"/usr/sbin/sendmail"}, func(m *Mail) *[]string { return &m.Sendmail }),
	row("from", "Sender address of mail.",
		mailAddress, "", func(m *Mail) *string { return &m.From }),
	row("to", "Recipients for jobs that have neither notify.mail nor notify.to, and for crashes of the daemon.",
		oneOrMore(mailAddress, 0), nil, func(m *Mail) *[]string { return &m.To }),
)

var journalKeys = newKeys(
	row("max_size", "The journal is rotated when it grows larger than this.",
		size(64<<10), 16e6, func(j *Journal) *int64 { return &j.MaxSize }),
	row("keep", "Number of older journal files to keep.",
		whole[int](1, 1000), 8, func(j *Journal) *int { return &j.Keep }),
)

// knownGroup is a group that exists on this machine.
var knownGroup = typ[string]{name: account.name, schema: account.schema, write: account.write, read: func(r *reader, n *node) (string, bool) {
	s, ok := account.read(r, n)
	if ok {
		if _, ok = r.host.Accounts.Group(s); !ok {
			r.fail(n, "there is no group %q", s)
		}
	}
	return s, ok
}}

// defaultKeys is a table of job keys that many jobs share. Its values are checked here, once, and errors point here.
var defaultKeys = typ[*node]{name: "table of job keys", schema: sharedSchema, print: printNode, read: of(table, "a table of job keys", func(r *reader, n *node) (*node, bool) {
	before, prefix := r.mistakes(), r.key
	shared := &node{src: n.src, at: n.at, kind: table}
	for _, kid := range n.kids {
		if k := jobKeys.byName[kid.key]; k != nil && k.marks&own != 0 {
			r.failAs(join(prefix, k.name), kid, "this key cannot have a default: set it in each job")
			continue
		}
		shared.add(kid)
	}
	r.key = ""
	first := len(r.errs)
	d := jobKeys.zero
	d.Definition.Rules = &d.Rules
	jobKeys.read(r, shared, &d)
	r.account(shared, &d)
	r.when(shared, &d)
	r.key = prefix
	for _, err := range r.errs[first:] {
		if e, ok := err.(*Error); ok {
			e.Key = join(prefix, e.Key)
		}
	}
	return shared, r.mistakes() == before
})}

// sharedSchema is the schema of a job without the keys that cannot have a default.
func sharedSchema() schema {
	s := jobKeys.schema()
	for _, k := range jobKeys.rows {
		if k.marks&own != 0 {
			delete(s["properties"].(schema), k.name)
		}
	}
	return s
}

// ReadConfig reads jobsd.toml, which must be as safe from other users as a job file. Without the file it returns the
// defaults and an error that is fs.ErrNotExist. The error lists all mistakes, one on each line.
func ReadConfig(path string) (*Config, error) {
	h := thisHost(time.Now())
	text, secret, err := h.readConfig(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newConfig(path), err
	case err != nil:
		return unknownConfig(path), err
	}
	return h.parseConfig(path, text, secret)
}

func newConfig(path string) *Config {
	c := configKeys.zero
	c.File = path
	return &c
}

// unknownConfig stands for settings that cannot be read.
func unknownConfig(path string) *Config {
	c := newConfig(path)
	c.unknown = true
	return c
}

// readConfig reads the file; secret is true if the path is a symbolic link.
func (h *host) readConfig(path string) (text string, secret bool, err error) {
	if _, err := os.Lstat(path); err != nil {
		return "", false, err
	}
	parent, err := h.Judge.Way(filepath.Dir(path)) // through links such as /etc on macOS
	if err != nil {
		return "", false, at(path, err)
	}
	dir, err := h.Judge.OpenFolderHere(parent)
	if err != nil {
		return "", false, err
	}
	defer dir.Close()
	looked, err := look(dir.FD, filepath.Base(path))
	if err == nil {
		text, _, err = h.read(dir, filepath.Base(path), looked)
	}
	if err != nil {
		err = at(path, err)
	}
	return text, looked.link(), err
}

func (h *host) parseConfig(path, text string, secret bool) (*Config, error) {
	src := newSource(plain.Word(filepath.Base(path)), filepath.Dir(path), text)
	src.secret = secret
	c := newConfig(path)
	c.text = text
	root, err := tree(src, strings.TrimSuffix(path, ".json")) // jobsd.toml is TOML whatever its name
	if err != nil {
		return unknownConfig(path), err
	}
	r := &reader{host: h}
	configKeys.read(r, root, c)
	r.defaultRecipients(c)
	r.daemonRecipients(root, c)
	if r.errs != nil {
		return unknownConfig(path), Errors(r.all(src.name))
	}
	return c, nil
}
