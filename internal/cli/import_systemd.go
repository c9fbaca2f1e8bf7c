package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/foreign/systemd"
	"jobsd/internal/machine"
)

// These are the directories in which systemd looks for units. The first that has the unit counts.
var (
	systemUnits = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system"}
	userUnits = []string{"/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"}
)

// importTimers translates timers with their services.
func importTimers(names []string, o importOptions, now time.Time) (*foreign.Result, error) {
	dirs := systemUnits
	if o.user {
		home, err := homeDir()
		if err != nil {
			return nil, err
		}
		dirs = append([]string{filepath.Join(home, ".config/systemd/user"), filepath.Join(home, ".local/share/systemd/user")},
			userUnits...)
	}
	found := &foreign.Result{}
	options := systemd.Options{User: o.user, Now: now, Local: time.Local, HasUser: isUser, HasGroup: isGroup, Values: specifiers(o.user)}
	for _, name := range names {
		where := dirs
		if strings.Contains(name, "/") {
			where = append([]string{filepath.Dir(name)}, dirs...)
		}
		if filepath.Ext(name) != ".timer" {
			name += ".timer"
		}
		timer, err := readUnit(filepath.Base(name), where)
		var service systemd.Unit
		if err == nil && !timer.Masked {
			service, err = readUnit(timer.Service(), where)
		}
		switch {
		case err != nil && len(names) == 1:
			return nil, err
		case err != nil: // still translate the others
			found.Refuse(foreign.Place{}, "%v", err)
			continue
		}
		found.Add(systemd.Translate(timer, service, options))
	}
	return found, nil
}

func isUser(name string) bool { return isNumber(name) || hasUser(name) }

func isGroup(name string) bool {
	_, err := user.LookupGroup(name)
	return isNumber(name) || err == nil
}

// specifiers returns the values of the specifiers that depend on this machine and, for units of a user, on the user.
func specifiers(own bool) map[byte]string {
	values := map[byte]string{}
	if host, err := os.Hostname(); err == nil {
		values['H'] = host
		values['l'], _, _ = strings.Cut(host, ".")
	}
	if id := machine.ID(); id != "" {
		values['m'] = id
	}
	u, err := user.Current()
	if !own || err != nil {
		return values
	}
	values['u'], values['U'], values['G'], values['h'] = u.Username, u.Uid, u.Gid, u.HomeDir
	values['t'] = "/run/user/" + u.Uid
	values['T'], values['V'] = "/tmp", "/var/tmp"
	if g, err := user.LookupGroupId(u.Gid); err == nil {
		values['g'] = g.Name
	}
	return values
}

// dropInDirs returns the directories of the drop-ins of a unit, the nearest first. For a-b@c.timer, these are its own, that
// of the template, those of all units whose names begin with a-, and that of all timers.
func dropInDirs(name string) []string {
	ext := filepath.Ext(name)
	stem, instance, isInstance := strings.Cut(strings.TrimSuffix(name, ext), "@")
	var dirs []string
	add := func(stem string) {
		if isInstance {
			dirs = append(dirs, stem+"@"+instance+ext+".d", stem+"@"+ext+".d")
		} else {
			dirs = append(dirs, stem+ext+".d")
		}
	}
	add(stem)
	for i := len(stem) - 2; i > 0; i-- {
		if stem[i] == '-' {
			add(stem[:i+1])
		}
	}
	return append(dirs, strings.TrimPrefix(ext, ".")+".d")
}

// readUnit reads a unit from the first directory that has it, and its drop-ins. Of drop-ins with the same name, only the
// first counts.
func readUnit(name string, dirs []string) (systemd.Unit, error) {
	u := systemd.Unit{Name: name}
	files := []string{name}
	if prefix, instance, ok := strings.Cut(name, "@"); ok {
		ext := filepath.Ext(name)
		if instance == ext {
			return u, fail(exitFailed, "name an instance, such as "+prefix+"@main"+ext, "%s is a template", name)
		}
		files = append(files, prefix+"@"+ext)
	}
	if err := readFirst(&u, files, dirs); err != nil || u.Masked {
		return u, err
	}
	dropIns := map[string]string{}
	for _, of := range dropInDirs(name) {
		for _, dir := range dirs {
			paths, _ := filepath.Glob(filepath.Join(dir, of, "*.conf")) // it only fails for a bad pattern
			for _, path := range paths {
				if _, ok := dropIns[filepath.Base(path)]; !ok {
					dropIns[filepath.Base(path)] = path
				}
			}
		}
	}
	for _, base := range slices.Sorted(maps.Keys(dropIns)) {
		text, err := readUnitFile(dropIns[base])
		if err != nil {
			return u, err
		}
		u.Files = append(u.Files, systemd.File{Path: dropIns[base], Text: text})
	}
	return u, nil
}

// readFirst reads the first of the files in the first of the directories that have it. The file of an instance comes before
// that of its template.
func readFirst(u *systemd.Unit, files, dirs []string) error {
	for _, name := range files {
		for _, dir := range dirs {
			path := filepath.Join(dir, name)
			text, err := readUnitFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			u.Files, u.Masked = []systemd.File{{Path: path, Text: text}}, text == ""
			return nil
		}
	}
	return fail(exitFailed, "", "there is no unit %s in %s", u.Name, strings.Join(dirs, ", "))
}

// readUnitFile reads one file of a unit. It returns "" for a masked unit, which is a link to /dev/null.
func readUnitFile(path string) (string, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil && target == os.DevNull {
		return "", nil
	}
	text, _, err := readForeign(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the unit: %w", err)
	}
	return text, nil
}
