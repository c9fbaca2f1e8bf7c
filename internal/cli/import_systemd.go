package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/foreign/systemd"
)

// Where systemd looks for units, the first that has one counts.
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
	for _, name := range names {
		where := dirs
		if strings.Contains(name, "/") {
			where = append([]string{filepath.Dir(name)}, dirs...)
		}
		if filepath.Ext(name) != ".timer" {
			name += ".timer"
		}
		timer, err := readUnit(filepath.Base(name), where)
		if err != nil {
			return nil, err
		}
		service, err := readUnit(timer.Service(), where)
		if err != nil {
			return nil, err
		}
		found.Add(systemd.Translate(timer, service, systemd.Options{User: o.user, Now: now, Local: time.Local}))
	}
	return found, nil
}

// dropInDirs are the folders of the drop-ins of a unit, the nearest first: of a-b.timer its own, that of all whose names
// begin with a-, and that of all timers.
func dropInDirs(name string) []string {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	dirs := []string{name + ".d"}
	for i := len(stem) - 2; i > 0; i-- {
		if stem[i] == '-' {
			dirs = append(dirs, stem[:i+1]+ext+".d")
		}
	}
	return append(dirs, strings.TrimPrefix(ext, ".")+".d")
}

// readUnit reads a unit from the first directory that has it, and its drop-ins: of those of one name the first.
func readUnit(name string, dirs []string) (systemd.Unit, error) {
	u := systemd.Unit{Name: name}
	if strings.Contains(name, "@") {
		return u, fail(exitFailed, "copy it to a name without @, with its instance written out", "%s is an instance of a template", name)
	}
	dropIns := map[string]string{}
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && u.Files == nil {
			u.Files = append(u.Files, systemd.File{Path: filepath.Join(dir, name), Text: string(text)})
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return u, fmt.Errorf("cannot read the unit: %w", err)
		}
	}
	for _, of := range dropInDirs(name) {
		for _, dir := range dirs {
			paths, _ := filepath.Glob(filepath.Join(dir, of, "*.conf")) // only a bad pattern fails
			for _, path := range paths {
				if _, ok := dropIns[filepath.Base(path)]; !ok {
					dropIns[filepath.Base(path)] = path
				}
			}
		}
	}
	if u.Files == nil {
		return u, fail(exitFailed, "", "there is no unit %s in %s", name, strings.Join(dirs, ", "))
	}
	for _, base := range slices.Sorted(maps.Keys(dropIns)) {
		text, err := os.ReadFile(dropIns[base])
		if err != nil {
			return u, fmt.Errorf("cannot read the unit: %w", err)
		}
		u.Files = append(u.Files, systemd.File{Path: dropIns[base], Text: string(text)})
	}
	return u, nil
}
