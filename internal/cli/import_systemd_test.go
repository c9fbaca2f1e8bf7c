package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDropIns checks the rules of systemd.unit(5): of drop-ins with the same name, only the one in the nearest directory
// counts, and all are read in the order of their names.
func TestDropIns(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"a-b-c.timer", "a-b-c.timer.d/5.conf", "a-b-.timer.d/4.conf", "a-.timer.d/4.conf",
		"a-.timer.d/6.conf", "timer.d/1.conf", "timer.d/6.conf", "service.d/2.conf", "b-.timer.d/3.conf"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("[Timer]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	u, err := readUnit("a-b-c.timer", []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range u.Files {
		name, _ := filepath.Rel(dir, f.Path)
		got = append(got, name)
	}
	want := []string{"a-b-c.timer", "timer.d/1.conf", "a-b-.timer.d/4.conf", "a-b-c.timer.d/5.conf", "a-.timer.d/6.conf"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestInstance checks that an instance is read from the file of its template unless it has its own file, with the drop-ins
// of both.
func TestInstance(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"a-b@.timer", "a-b@c.timer.d/1.conf", "a-b@.timer.d/2.conf", "a-@.timer.d/3.conf", "a-b@d.timer"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("[Timer]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][]string{
		"a-b@c.timer": {"a-b@.timer", "a-b@c.timer.d/1.conf", "a-b@.timer.d/2.conf", "a-@.timer.d/3.conf"},
		"a-b@d.timer": {"a-b@d.timer", "a-b@.timer.d/2.conf", "a-@.timer.d/3.conf"},
	} {
		u, err := readUnit(name, []string{dir})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range u.Files {
			file, _ := filepath.Rel(dir, f.Path)
			got = append(got, file)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := readUnit("a-b@.timer", []string{dir}); err == nil {
		t.Error("a template was read as a unit")
	}
}
