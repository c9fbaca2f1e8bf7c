package runner

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/jobfile"
)

// TestRunLogGrows: leftovers of a run may write to the run's file faster than it is copied. Only as much is copied as
// there was at the end of the run. A file of /proc has bytes beyond its size, too.
func TestRunLogGrows(t *testing.T) {
	d := &disk{logDir: t.TempDir(), gid: -1, base: map[string]int64{}, trouble: map[string]string{}, post: func(any) {}}
	job := &jobfile.Definition{Name: "j"}
	if _, err := d.copyRunLog(job, "/proc/self/status"); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(d.logDir, "j.log"))
	if err != nil || len(log) > 0 {
		t.Errorf("%d bytes were copied, %v", len(log), err)
	}
}
