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
)

// Set is what one load found: all jobs and all mistakes.
type Set struct {
	Config *Config // in force: when the file is broken, that of before
	Dir    string  // of the job files, absolute
	Host   string  // the name of this machine for Definition.ActiveOn: Config.Machine or the host name
	Zone   string  // what tells the local time zone from another; it is in no hash

	Jobs    []Job    // sorted by name
	Errors  []string // every mistake of every file, one line each
	Refused int      // files
	Files   int      // files that are read, the refused ones included
	Passed  int      // names that are passed over
	Ignored []string // those of them that do not begin with a dot, sorted
	Unread  bool     // the directory cannot be read: that a job is missing here says nothing of it
	Sealed  []string // files and directories that this load trusted only because their mount is read-only

	NoMailer string // why no mail can be sent; "": the mailer is there, or cannot be looked at without waiting

	// Who names a user: "root (uid 0)", or "uid 4242" where /etc/passwd has no such number.
	Who func(uid int) string

	Settings    []string // the keys of jobsd.toml whose values changed since the last load
	DirsChanged bool     // Config names other folders than it did at the start
	Fingerprint string   // of what was there when the load began; "" if the directory could not be read
}

// Job is a job that is in force.
type Job struct {
	Def *Definition
	// Stale is why the file is refused from whose last good version this is; "" when it is what the file says.
	Stale string
}

// Options say what a loader reads.
type Options struct {
	Jobs     string           // the directory of job files
	Accepted string           // where the last good version of a refused file is kept over restarts; "": nowhere
	Config   string           // jobsd.toml, which may be missing; "": none
	Host     string           // the host name; "": as the system says
	Now      func() time.Time // of the load, to refuse dates that never come; nil: time.Now
}

// Loader reads a directory of job files again and again. It keeps what it read of each file, so that a load costs little
// where little changed, and so that a file that is broken later stops nothing. It is for one goroutine.
type Loader struct {
	o        Options
	facts    func(time.Time) *host // replaced by tests
	host     *host
	config   *Config
	first    Dirs               // of the settings at the start
	why      error              // of which the directory could not be read at the last load
	files    []*jobFile         // sorted by name
	trees    map[*jobFile]*node // where the keys of files stand, while it is asked for
	loads    int32
	reparsed int32 // the load at which all that files depend on but their text last changed
}

// jobFile is one name in the directory and what is known of it.
type jobFile struct {
	name string
	stamp
	now    *version // what stands in it; nil: nothing that can be used
	good   *version // the last that was in force
	why    []error  // of which now is nil
	parsed int32    // the load at which its text was
	saved  bool     // good is among the accepted copies
}

// version is one text of a file and what it says.
type version struct {
	text   string
	defs   []*Definition
	parsed int32 // the load at which it was
	good   int32 // the last load at which it was in force
	secret bool  // reached through a symbolic link
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
	return &Loader{o: o, facts: thisHost, config: newConfig(o.Config)}
}

// Load reads what changed since the last load and returns all that is in force now. Definitions of files that did not
// change are the same pointers. It does not fail: what cannot be read stays as it was, and Errors say so.
func (l *Loader) Load() *Set {
	l.loads++
	set := &Set{Dir: l.o.Jobs}
	l.readHost(set)
	l.readConfig(set)
	why := l.readFiles(set)
	refused := map[*jobFile][]error{}
	if why == nil {
		refused = l.refuse()
	}
	l.settle(set, why, refused)
	l.collect(set, why, refused)
	l.why, set.Unread = why, why != nil
	set.Config, set.Zone, set.Who = l.config, l.host.zone.name, l.host.accounts.whoIs
	set.Sealed = l.host.sealed
	set.NoMailer = l.host.noMailer(l.config)
	set.Host = cmp.Or(l.config.Machine, l.o.Host)
	set.DirsChanged = l.config.Dirs != l.first
	return set
}

func (s *Set) fail(errs ...error) {
	for _, err := range errs {
		s.Errors = append(s.Errors, strings.Split(err.Error(), "\n")...)
	}
}

// readHost takes in what changed on the machine.
func (l *Loader) readHost(set *Set) {
	h := l.facts(l.o.Now())
	if old := l.host; old != nil {
		if old.zone.same(h.zone) {
			h.zone = old.zone // one location for jobs of this load and of others
		}
		if h.zone != old.zone || h.accounts.text != old.accounts.text {
			l.reparsed = l.loads
		}
	}
	l.host = h
	if h.zone.err != nil {
		set.fail(h.zone.err)
	}
}

// readConfig takes in the settings.
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
	if first {
		l.first = l.config.Dirs
	}
	l.host.mailTo = l.config.Mail.To
}

// readFiles reads the directory. If that cannot be done it says why, and nothing of it counts.
func (l *Loader) readFiles(set *Set) error {
	dir, err := openFolder(l.host, l.o.Jobs)
	if err != nil {
		return err
	}
	defer dir.close()
	names, err := dir.names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	seen := newFingerprint(l.o.Config)
	files := make([]*jobFile, 0, len(names))
	old := l.files
	for _, name := range names {
		if passedOver(name) {
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
		looked, err := dir.look(f.name)
		if err == nil {
			seen.add(dir, f.name, looked)
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

// drop forgets the accepted copies of files that are gone.
func (l *Loader) drop(files []*jobFile) {
	for _, f := range l.files {
		_, still := slices.BinarySearchFunc(files, f.name, compareNames)
		if !still && f.saved {
			l.unsave(f)
		}
	}
}

// passedOver tells whether a name is none of a job file: what editors and package managers leave behind, and all that
// ends in neither .toml nor .json.
func passedOver(name string) bool {
	ext := filepath.Ext(name)
	return name[0] == '.' || ext != ".toml" && ext != ".json"
}

// read takes in what stands in a file now, which a look found to be so. It tells whether there is one.
func (l *Loader) read(dir *folder, f *jobFile, looked stamp, err error) bool {
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
		text, f.stamp, err = dir.read(f.name, looked)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		f.now, f.stamp, f.why = nil, stamp{}, []error{&Error{File: printable(f.name), Text: err.Error()}}
	case f.now != nil && current && f.now.text == text && f.now.secret == looked.link():
	default:
		l.parse(f, text, looked.link())
	}
	return true
}

// badFileName refuses names that cannot be shown in a line or copied.
func badFileName(name string) error {
	switch {
	case printable(name) != name:
		return errors.New("has a name with unprintable characters: rename it")
	case len(name) > 200:
		return errors.New("has a name of more than 200 bytes: rename it")
	}
	return nil
}

func (l *Loader) parse(f *jobFile, text string, secret bool) {
	f.now, f.why = l.version(f.name, f.name, text, secret)
	f.parsed = l.loads
}

// version parses a text of the file; label is what errors call it.
func (l *Loader) version(label, name, text string, secret bool) (v *version, errs []error) {
	defer func() { // whatever a file holds, it must not be the end of the daemon
		if p := recover(); p != nil {
			if secret {
				p = "not told, as the file is not for everybody"
			}
			v, errs = nil, []error{fmt.Errorf("%s: internal error: %v", label, p)}
		}
	}()
	src := newSource(label, l.o.Jobs, text)
	src.secret = secret
	defs, errs := l.host.parse(src, name, l.config.defaults)
	if errs != nil {
		return nil, errs
	}
	return &version{text: text, secret: secret, defs: defs, parsed: l.loads}, nil
}

// settle makes the versions that are not refused the good ones, and sees to the accepted copies.
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

// renew reads the last good version of a file anew, because of changed settings or a changed zone. Where it is no longer
// good under them it stays as it was.
func (l *Loader) renew(f *jobFile) {
	v, errs := l.version(f.name, f.name, f.good.text, f.good.secret)
	f.good.parsed = l.loads
	if errs == nil {
		v.good = f.good.good
		f.good = v
	}
}

// collect puts all jobs together. What a file says now goes before what another said when it was last good, and of two
// of those the younger.
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
