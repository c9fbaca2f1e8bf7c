package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// As systemd.unit(5) has it: those of one name count once, from the nearest folder, and all are read by their names.
func TestDropIns(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"a-b-c.timer", "a-b-c.timer.d/5.conf", "a-b-.timer.d/4.conf", "a-.timer.d/4.conf",
		"a-.timer.d/6.conf", "timer.d/1.conf", "timer.d/6.conf", "service.d/2.conf", "b-.timer.d/3.conf"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
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
