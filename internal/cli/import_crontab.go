package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/foreign/crontab"
	"jobsd/internal/machine"
	"jobsd/internal/schedule"
)

// Where the crontabs of the system are.
const (
	systemCrontab = "/etc/crontab"
	crontabDir    = "/etc/cron.d"
	theAnacrontab = "/etc/anacrontab"
)

// spools are the directories of the crontabs of users. Each file has the name of its user. In some of these directories,
// root owns all files.
var spools = []string{"/var/spool/cron/crontabs", "/var/spool/cron", "/var/cron/tabs", "/usr/lib/cron/tabs", "/var/at/tabs",
	"/etc/crontabs"}

// isSpool reports whether a directory is one of the spools, or a copy of one below another directory.
func isSpool(dir string) bool {
	return slices.ContainsFunc(spools, func(spool string) bool { return strings.HasSuffix(dir, spool) })
}

// importCrontab translates the crontabs that the arguments name.
func importCrontab(args []string, o importOptions, now time.Time) (*foreign.Result, error) {
	c := newCrontabs(o, now)
	switch {
	case len(args) == 0 && o.system:
		return &c.found, c.readSystem()
	case len(args) == 0:
		return &c.found, c.readOwn()
	case filepath.Base(args[0]) == filepath.Base(theAnacrontab):
		return nil, fail(exitFailed, "jobsd import anacrontab "+args[0], "%s is not a crontab", args[0])
	}
	return &c.found, c.readPath(args[0])
}

// importAnacrontab translates an anacrontab.
func importAnacrontab(args []string, o importOptions, now time.Time) (*foreign.Result, error) {
	c := newCrontabs(o, now)
	c.parse = crontab.ParseAnacrontab
	return &c.found, c.readPath(append(args, theAnacrontab)[0])
}

func newCrontabs(o importOptions, now time.Time) *crontabs {
	host, _ := os.Hostname()
	c := crontabs{Options: crontab.Options{System: o.system, Now: now, Local: time.Local, HasUser: hasUser}, parse: crontab.Parse}
	c.Pick = func(entry string, most int) int { // like jitter: always the same on a machine, but different on each machine
		return int(schedule.Jitter(time.Duration(most+1)*time.Millisecond, machine.ID(), host, entry) / time.Millisecond)
	}
	return &c
}

func hasUser(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}

// crontabs collects the results of several crontabs.
type crontabs struct {
	crontab.Options
	parse func(file, text string, o crontab.Options) *foreign.Result
	found foreign.Result
}

func (c *crontabs) readInput() error {
	text, err := readAllForeign(os.Stdin)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	c.found.Add(c.parse("-", text, c.Options))
	return nil
}

// readSystem reads all crontabs of the system. At least one must exist.
func (c *crontabs) readSystem() error {
	one := c.readPath(systemCrontab)
	all := c.readPath(crontabDir)
	if _, err := os.Stat(theAnacrontab); err == nil {
		c.found.Note(foreign.Place{}, "to import %s: jobsd import anacrontab", theAnacrontab)
	}
	if errors.Is(one, fs.ErrNotExist) {
		return all
	}
	if errors.Is(all, fs.ErrNotExist) {
		return one
	}
	return errors.Join(one, all)
}

// readOwn reads the crontab of the calling user.
func (c *crontabs) readOwn() error {
	var said strings.Builder
	cmd := exec.Command("crontab", "-l")
	cmd.Stderr = &said
	text, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return fail(exitFailed, "name the file, or - for standard input", "cannot read your crontab: the program crontab is not installed")
	}
	if err != nil {
		return fmt.Errorf("crontab -l: %w: %s", err, strings.TrimSpace(said.String()))
	}
	c.found.Add(c.parse("crontab", string(text), c.Options))
	return nil
}

// readPath reads a file, all files of a directory, or standard input for "-".
func (c *crontabs) readPath(path string) error {
	if path == "-" {
		return c.readInput()
	}
	path = filepath.Clean(path)
	whole, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("cannot read the crontab: %w", err)
	}
	if whole == systemCrontab || whole == crontabDir || filepath.Dir(whole) == crontabDir {
		c.System = true
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return c.readDir(path)
	}
	text, st, err := readForeign(path)
	if err != nil {
		return fmt.Errorf("cannot read the crontab: %w", err)
	}
	o := c.Options
	if os.Geteuid() == 0 {
		owner := st.Sys().(*syscall.Stat_t).Uid
		if o.System && st.Mode().IsRegular() && (owner != 0 || st.Mode().Perm()&0o022 != 0) {
			c.found.Refuse(foreign.Place{File: path, Line: 1, Text: filepath.Base(path)},
				"ignored, as cron does: other users than root can write it, and it may name root; "+
					"if you trust its content: jobsd import crontab --system - < %s", path)
			return nil
		}
		if o.User = whoseCrontab(whole, owner); o.User == "" {
			if target, err := filepath.EvalSymlinks(whole); err == nil {
				o.User = whoseCrontab(target, owner)
			}
		}
		if o.User != "" && !isNumber(o.User) && !hasUser(o.User) {
			c.found.Refuse(foreign.Place{File: path, Line: 1, Text: filepath.Base(path)},
				"it belongs to user %q, who does not exist; to import it for yourself: jobsd import crontab - < %s", o.User, path)
			return nil
		}
	}
	c.found.Add(c.parse(path, text, o))
	return nil
}

// whoseCrontab returns the user of a crontab that root imports, "" for root. Jobs of other users must not run as root.
func whoseCrontab(path string, owner uint32) string {
	if name := filepath.Base(path); owner == 0 && isSpool(filepath.Dir(path)) && name != "root" {
		return name
	}
	if owner == 0 {
		return ""
	}
	id := strconv.FormatUint(uint64(owner), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }

// cronName matches the names that cron accepts in a directory. The copies that editors and packages leave do not match.
var cronName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// otherName returns why cron ignores a file because of its name, "" if it does not.
func otherName(dir, name string) string {
	whole, err := filepath.Abs(dir)
	switch {
	case err == nil && isSpool(whole):
		if !hasUser(name) {
			return "no user has this name"
		}
	case !cronName.MatchString(name):
		return "the name has other characters than letters, digits, _ and -"
	}
	return ""
}

func (c *crontabs) readDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the crontabs: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(path)
		switch {
		case err != nil:
			return fmt.Errorf("cannot read the crontab: %w", err)
		case otherName(dir, e.Name()) != "":
			c.found.Note(foreign.Place{}, "%s: ignored, as cron does: %s", path, otherName(dir, e.Name()))
		case !st.Mode().IsRegular():
			c.found.Note(foreign.Place{}, "%s: ignored, as cron does: it is not a regular file", path)
		default:
			if err := c.readPath(path); err != nil {
				return err
			}
		}
	}
	return nil
}
