package cli

import (
	"errors"
	"fmt"
	"io"
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
	"jobsd/internal/schedule"
	"jobsd/spawn"
)

// Where the crontabs of the system are.
const (
	systemCrontab = "/etc/crontab"
	crontabDir    = "/etc/cron.d"
)

// spools are where crontab(1) keeps those of users, each in a file of the user's name. Some have all belong to root.
var spools = []string{"/var/spool/cron/crontabs", "/var/spool/cron", "/var/cron/tabs", "/usr/lib/cron/tabs", "/var/at/tabs"}

// importCrontab translates what the arguments name.
func importCrontab(args []string, o importOptions, now time.Time) (*foreign.Result, error) {
	host, _ := os.Hostname()
	c := crontabs{Options: crontab.Options{System: o.system, Now: now, Local: time.Local, HasUser: hasUser}}
	c.Pick = func(entry string, most int) int { // as jitter is: the same each time, and another on another machine
		return int(schedule.Jitter(time.Duration(most+1)*time.Millisecond, spawn.MachineID(), host, entry) / time.Millisecond)
	}
	switch {
	case len(args) == 0 && o.system:
		return &c.found, c.readSystem()
	case len(args) == 0:
		return &c.found, c.readOwn()
	case args[0] == "-":
		return &c.found, c.read("-", os.Stdin)
	}
	return &c.found, c.readPath(filepath.Clean(args[0]))
}

func hasUser(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}

// crontabs collects what became of several.
type crontabs struct {
	crontab.Options
	found foreign.Result
}

func (c *crontabs) read(name string, from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	c.found.Add(crontab.Parse(name, string(text), c.Options))
	return nil
}

// readSystem reads all crontabs of the system, of which some must be there.
func (c *crontabs) readSystem() error {
	one := c.readPath(systemCrontab)
	all := c.readPath(crontabDir)
	if errors.Is(one, fs.ErrNotExist) {
		return all
	}
	if errors.Is(all, fs.ErrNotExist) {
		return one
	}
	return errors.Join(one, all)
}

// readOwn reads the crontab of who calls.
func (c *crontabs) readOwn() error {
	var said strings.Builder
	cmd := exec.Command("crontab", "-l")
	cmd.Stderr = &said
	text, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return fail(exitFailed, "name the file, or - for standard input", "there is no crontab(1) to ask for your crontab")
	}
	if err != nil {
		return fmt.Errorf("crontab -l: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return c.read("crontab", strings.NewReader(string(text)))
}

func (c *crontabs) readPath(path string) error {
	whole, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("cannot read the crontab: %w", err)
	}
	if whole == systemCrontab || whole == crontabDir || filepath.Dir(whole) == crontabDir {
		c.System = true
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read the crontab: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("cannot read the crontab: %w", err)
	case st.IsDir():
		return c.readDir(path)
	}
	if os.Geteuid() == 0 {
		owner := st.Sys().(*syscall.Stat_t).Uid
		if c.System && st.Mode().IsRegular() && (owner != 0 || st.Mode().Perm()&0o022 != 0) {
			c.found.Refuse(foreign.Place{File: path, Line: 1, Text: filepath.Base(path)},
				"passed over, as cron does: others than root can write it, and it may name root; "+
					"if all in it is well: jobsd import crontab --system - < %s", path)
			return nil
		}
		c.User = whoseCrontab(whole, owner)
	}
	return c.read(path, f)
}

// whoseCrontab is the user of a file that root looks at, "" for root: what others say must not run as root.
func whoseCrontab(path string, owner uint32) string {
	if name := filepath.Base(path); owner == 0 && slices.Contains(spools, filepath.Dir(path)) && name != "root" {
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

// cronName is what cron wants the files of a directory to be called: the copies that editors and packages leave are not.
var cronName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// otherName says why cron passes over a file in a directory for its name, "" if it does not.
func otherName(dir, name string) string {
	whole, err := filepath.Abs(dir)
	switch {
	case err == nil && slices.Contains(spools, whole):
		if !hasUser(name) {
			return "no user is called so"
		}
	case !cronName.MatchString(name):
		return "the name is not of letters, digits, _ and - only"
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
			c.found.Note(foreign.Place{}, "%s: passed over, as cron does: %s", path, otherName(dir, e.Name()))
		case !st.Mode().IsRegular():
			c.found.Note(foreign.Place{}, "%s: passed over, as cron does: it is no file", path)
		default:
			if err := c.readPath(path); err != nil {
				return err
			}
		}
	}
	return nil
}
