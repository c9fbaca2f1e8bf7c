package runner

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/statefile"
)

// TestMendCuts: the daemon finishes the cut that an earlier daemon began. A log that a job has made a tebibyte long
// does not delay the start.
func TestMendCuts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, size int64) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			if err := os.Truncate(path, size); err != nil {
				t.Skip("this file system has no files of that size: ", err)
			}
		}
		return path
	}
	const long = 1 << 40
	write("both.log", "front and more", 0)
	write("both.log.0.cut", "front", 0)
	write("cut.log", "more", 0)
	write("cut.log.7.cut", "front", 0)
	write("long.log", "front", long+1)
	write("long.log.0.cut", "front", long)
	write("end.log", "front", long)
	f, err := os.OpenFile(write("end.log.0.cut", "front", long-1), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Skip("this file system has no files of that size: ", err)
	}
	f.Close()
	journal, _, _, err := statefile.OpenJournal(dir, 1<<20, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	d := &disk{journal: journal, logDir: dir, base: map[string]int64{"cut": 7}, trouble: map[string]string{}, post: func(any) {}}
	d.finishCuts()
	for name, want := range map[string]bool{"both.log.0.cut": false, "both.log.1": false, "cut.log.7.cut": false, "cut.log.1": true,
		"long.log.0.cut": false, "long.log.1": false, "end.log.0.cut": false, "end.log.1": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %t", name, !want)
		}
	}
	if d.base["cut"] != 7+5 || d.base["end"] != long || d.base["both"] != 0 {
		t.Errorf("the logs begin at %v", d.base)
	}
}
