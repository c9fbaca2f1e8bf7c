package jobfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// Set is the result of one load: all jobs and all mistakes.
type Set struct {
	Config *Config // in force; while the file is broken, the previous settings
	Dir    string  // of the job files; an absolute path
	Host   string  // the name of this machine for Definition.ActiveOn: Config.Machine or the host name
	Zone   string  // identifies the local time zone; it is in no hash

	Jobs    []Job    // sorted by name
	Errors  []*Error // every mistake of every file
	Refused int      // number of refused files
	Files   int      // number of files read, including refused ones
	Passed  int      // number of ignored names
	Ignored []string // the ignored names that do not begin with a dot, sorted
	Unread  bool     // the directory cannot be read, so a job may exist although it is missing here
	Sealed  []string // files and directories that this load trusted only because their mount is read-only

	NoMailer string // why no mail can be sent; "": the mailer exists, or looking for it could block

	// Who names a user: "root (uid 0)", or "uid 4242" where /etc/passwd has no such number.
	Who func(uid int) string

	Unsettled   bool     // no load has read jobsd.toml yet, because it has mistakes; Config has only defaults
	Settings    []string // the keys of jobsd.toml whose values changed since the last load
	DirsChanged bool     // Config names other folders than it did at the start
	Fingerprint string   // of the directory when the load began; "" if it could not be read
}

// Definitions returns the definitions of all jobs, sorted by name.
func (s *Set) Definitions() (defs []*Definition) {
	for _, j := range s.Jobs {
		defs = append(defs, j.Def)
	}
	return defs
}

// Job is a job that is in force.
type Job struct {
	Def *Definition
	// Stale is why the file is refused, if this job is from the last good version of the file; else "".
	Stale string
}

// Options say what a loader reads.
type Options struct {
	Jobs     string           // the directory of job files
	Accepted string           // keeps the last good versions of refused files over restarts; "": nowhere
	Config   string           // jobsd.toml, which may be missing; "": none
	Host     string           // the host name; "": that of the system
	Now      func() time.Time // the time of the load, to refuse dates that never come; nil: time.Now
}

// Loader reads a directory of job files again and again. It remembers every file. So a load with few changes is quick,
// and a file that becomes invalid keeps its jobs. A Loader is for one goroutine.
type Loader struct {
	o        Options
	facts    func(time.Time) *host // replaced by tests
	host     *host
	config   *Config
	settled  bool               // a load has read the settings, or there are none
	first    Dirs               // the directories in the settings at the start
	why      error              // why the last load could not read the directory
	files    []*jobFile         // sorted by name
	trees    map[*jobFile]*node // parsed trees, filled while errors need positions
	loads    int32
	reparsed int32 // the load at which settings, accounts or zone last changed
}

// jobFile is one name in the directory and what is known about it.
type jobFile struct {
	name string
	stamp
	now    *version // the current text; nil if it is invalid
	good   *version // the last version that was in force
	why    []error  // why now is nil
	parsed int32    // the load that parsed its text
	saved  bool     // good has an accepted copy
	kept   bool     // now stays in force even if it names unknown targets; see keep
}

// version is one text of a file and its definitions.
type version struct {
	text   string
	defs   []*Definition
	parsed int32 // the load that parsed it
	good   int32 // the last load at which it was in force

	unknown *Errors // names of targets that do not exist; nil: none. A pointer is small, and most files have none
	secret  bool    // reached through a symbolic link
}

// NewLoader returns a loader that has read nothing yet.
func NewLoader(o Options) *Loader {
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if abs, err := filepath.Abs(o.Jobs); err == nil {
		o.Jobs = abs
	}
	return &Loader{o: o, facts: thisHost, config: unknownConfig(o.Config)}
}

// Load reads what changed since the last load and returns all that is in force now. Files that did not change keep the
// same pointers to definitions. Load does not fail: a file that cannot be read keeps its last good version, and Errors
// says why.
func (l *Loader) Load() *Set {
	l.loads++
	set := &Set{Dir: l.o.Jobs}
	l.readHost(set)
	l.readConfig(set)
	why := l.readFiles(set)
	refused := map[*jobFile][]error{}
	if why == nil {
		l.keep()
		refused = l.refuse()
	}
	l.settle(set, why, refused)
	l.collect(set, why, refused)
	l.why, set.Unread = why, why != nil
	set.Config, set.Zone, set.Who = l.config, l.host.Zone.Name, l.host.Accounts.WhoIs
	set.Sealed = l.host.Judge.Sealed
	set.NoMailer = l.host.noMailer(l.config)
	set.Host = cmp.Or(l.config.Machine, l.o.Host)
	set.DirsChanged = l.config.Dirs != l.first
	return set
}

func (s *Set) fail(errs ...error) {
	s.Errors = append(s.Errors, Mistakes(errs...)...)
}

// readHost updates the facts of the machine.
func (l *Loader) readHost(set *Set) {
	h := l.facts(l.o.Now())
	if old := l.host; old != nil {
		h.rules = old.rules
		if old.Zone.Same(h.Zone) {
			h.Zone = old.Zone // so that jobs of this load and of earlier ones share one location
		}
		if h.Zone != old.Zone || !h.Accounts.Same(old.Accounts) {
			l.reparsed = l.loads
		}
	}
	l.host = h
	if h.Zone.Err != nil {
		set.fail(h.Zone.Err)
	}
}

// readConfig updates the settings.
func (l *Loader) readConfig(set *Set) {
	first := l.loads == 1
	text, secret, err := "", false, error(nil)
	if l.o.Config != "" {
		text, secret, err = l.host.readConfig(l.o.Config)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && (first || text != l.config.text || l.reparsed == l.loads) {
		var c *Config
		if c, err = l.host.parseConfig(l.o.Config, text, secret); err == nil {
			if !first {
				set.Settings = configKeys.changed(l.config, c)
			}
			l.config, l.reparsed = c, l.loads
		}
	}
	if err != nil {
		set.fail(err)
	}
	l.settled = l.settled || err == nil
	set.Unsettled = !l.settled
	if first {
		l.first = l.config.Dirs
	}
	l.host.use(l.config)
}

// readFiles reads the directory. On an error nothing changes.
func (l *Loader) readFiles(set *Set) error {
	dir, err := l.host.Judge.OpenFolder(l.o.Jobs)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	seen := newFingerprint(l.o.Config)
	files := make([]*jobFile, 0, len(names))
	old := l.files
	for _, name := range names {
		if isIgnored(name) {
			set.Passed++
			if name[0] != '.' {
				set.Ignored = append(set.Ignored, name)
			}
			continue
		}
		for len(old) > 0 && old[0].name < name {
			old = old[1:]
		}
		f := &jobFile{name: name}
		if len(old) > 0 && old[0].name == name {
			f = old[0]
		}
		looked, err := look(dir.FD, f.name)
		if err == nil {
			seen.add(dir.FD, f.name, looked)
		}
		if l.read(dir, f, looked, err) {
			files = append(files, f)
		}
	}
	set.Fingerprint = seen.String()
	l.drop(files)
	l.files = files
	set.Files = len(files)
	return nil
}

// drop removes the accepted copies of files that were removed.
func (l *Loader) drop(files []*jobFile) {
	for _, f := range l.files {
		_, still := slices.BinarySearchFunc(files, f.name, compareNames)
		if !still && f.saved {
			l.unsave(f)
		}
	}
}

// isIgnored reports whether a name is not that of a job file: the leftovers of editors and package managers, and all
// names that end in neither .toml nor .json.
func isIgnored(name string) bool {
	ext := filepath.Ext(name)
	return name[0] == '.' || ext != ".toml" && ext != ".json"
}

// read updates a file of the directory. looked and err are the result of looking at its name. It returns false if the
// file is gone.
func (l *Loader) read(dir *trust.Folder, f *jobFile, looked stamp, err error) bool {
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	current := f.parsed >= l.reparsed
	if err == nil && current && f.settled && f.sum == looked.sum && !looked.link() {
		return true
	}
	var text string
	if err == nil {
		err = badFileName(f.name)
	}
	if err == nil {
		text, f.stamp, err = l.host.read(dir, f.name, looked)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		f.now, f.stamp, f.why = nil, stamp{}, []error{at(f.name, err)}
	case f.now != nil && current && f.now.text == text && f.now.secret == looked.link():
	default:
		l.parse(f, text, looked.link())
	}
	return true
}

// badFileName refuses names that cannot be shown on a line or copied.
func badFileName(name string) error {
	switch {
	case plain.Word(name) != name:
		return errors.New("the name has unprintable characters: rename the file")
	case len(name) > 200:
		return errors.New("the name is longer than 200 bytes: rename the file")
	}
	return nil
}

func (l *Loader) parse(f *jobFile, text string, secret bool) {
	f.now, f.why = l.version(f.name, f.name, text, secret)
	f.parsed = l.loads
}

// version parses a text of the file; label is the name of the file in errors.
func (l *Loader) version(label, name, text string, secret bool) (v *version, errs []error) {
	defer func() { // no content of a file may crash the daemon
		if p := recover(); p != nil {
			if secret {
				p = "not shown: the file is behind a symbolic link"
			}
			v, errs = nil, []error{&Error{File: label, Text: fmt.Sprintf("internal error: %v", p)}}
		}
	}()
	src := newSource(label, l.o.Jobs, text)
	src.secret = secret
	defs, unknown, errs := l.host.parse(src, name, l.config.defaults)
	if errs != nil {
		return nil, append(errs, unknown...)
	}
	v = &version{text: text, secret: secret, defs: defs, parsed: l.loads}
	if unknown != nil {
		v.unknown = (*Errors)(&unknown)
	}
	return v, nil
}

// settle makes the versions that are not refused the good ones, and updates the accepted copies.
func (l *Loader) settle(set *Set, why error, refused map[*jobFile][]error) {
	if l.loads == 1 {
		set.fail(l.restore(why, refused)...)
	}
	for _, f := range l.files {
		if why == nil && refused[f] == nil {
			f.good = f.now
			f.good.good = l.loads
			if f.saved {
				l.unsave(f)
			}
			continue
		}
		if f.good == nil {
			continue
		}
		if f.good.parsed < l.reparsed {
			l.renew(f)
		}
		if err := l.save(f); err != nil {
			set.fail(err)
		}
	}
}

// renew parses the last good version of a file again, because the settings or the zone changed. A version that has
// become invalid stays in force unchanged.
func (l *Loader) renew(f *jobFile) {
	v, errs := l.version(f.name, f.name, f.good.text, f.good.secret)
	f.good.parsed = l.loads
	if errs == nil {
		v.good = f.good.good
		f.good = v
	}
}

// collect puts all jobs together. If two files define the same name, a current version goes before a last good one, and
// of two last good ones the newer goes first.
func (l *Loader) collect(set *Set, why error, refused map[*jobFile][]error) {
	if why != nil {
		set.fail(why)
	}
	var stale []*jobFile
	taken := make(map[string]bool, len(l.files))
	add := func(f *jobFile, reason string) {
		for _, d := range f.good.defs {
			if fold := strings.ToLower(d.Name); !taken[fold] {
				taken[fold] = true
				set.Jobs = append(set.Jobs, Job{d, reason})
			}
		}
	}
	set.Jobs = make([]Job, 0, len(l.files))
	for _, f := range l.files {
		errs := refused[f]
		set.fail(errs...)
		switch {
		case why == nil && errs == nil:
			set.fail(l.keptErrors(f)...)
			add(f, "")
			continue
		case why == nil:
			set.Refused++
		}
		if f.good != nil {
			stale = append(stale, f)
		}
	}
	slices.SortStableFunc(stale, func(a, b *jobFile) int { return cmp.Compare(b.good.good, a.good.good) })
	for _, f := range stale {
		reason := why
		if reason == nil {
			reason = refused[f][0]
		}
		add(f, reason.Error())
	}
	slices.SortFunc(set.Jobs, func(a, b Job) int { return cmp.Compare(a.Def.Name, b.Def.Name) })
}
