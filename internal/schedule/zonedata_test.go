package schedule

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for machines without zone data
)

// zoneSource is one copy of the zone data. Fat data lists clock changes up to 2037. Slim data lists only those that the
// rule at its end does not give.
type zoneSource struct {
	name  string
	files map[string][]byte
	names []string // sorted
}

func (z zoneSource) load(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocationFromTZData(zone, z.files[zone])
	if err != nil {
		t.Fatalf("%s zone data: %s: %v", z.name, zone, err)
	}
	return loc
}

// zoneData returns the copies on this machine: that of Go, which is slim, and that of the system, which is often fat.
func zoneData(t testing.TB) (kinds []zoneSource) {
	t.Helper()
	goFiles, err := goZones()
	if err != nil {
		t.Skipf("cannot find Go's zone data as a file: %v", err)
	}
	kinds = append(kinds, newSource("go", goFiles))
	const system = "/usr/share/zoneinfo"
	files := map[string][]byte{}
	for name := range goFiles {
		if data, err := os.ReadFile(filepath.Join(system, name)); err == nil {
			files[name] = data
		}
	}
	if len(files) < len(goFiles)/2 {
		t.Logf("skipping the system's zone data: %s has %d zones of %d", system, len(files), len(goFiles))
		return kinds
	}
	return append(kinds, newSource("system", files))
}

func newSource(name string, files map[string][]byte) zoneSource {
	z := zoneSource{name: name, files: files}
	for name := range files {
		z.names = append(z.names, name)
	}
	slices.Sort(z.names)
	return z
}

// distinct returns one name for each set of rules.
func (z zoneSource) distinct() (names []string) {
	seen := map[string]bool{}
	for _, name := range z.names {
		if data := string(z.files[name]); !seen[data] {
			seen[data] = true
			names = append(names, name)
		}
	}
	return names
}

func goZones() (map[string][]byte, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	r, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	files := map[string][]byte{}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			return nil, err
		}
		files[f.Name], err = io.ReadAll(rc)
		if err != nil {
			return nil, err
		}
		rc.Close()
	}
	return files, nil
}

// location loads a zone by name from any zone data.
func location(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// instant reads RFC 3339, or a wall time in a zone that shows it once.
func instant(t testing.TB, loc *time.Location, s string) time.Time {
	t.Helper()
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.In(loc)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		at, err = time.ParseInLocation("2006-01-02 15:04", s, loc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}
