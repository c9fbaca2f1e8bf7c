package runner

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/jobfile"
)

// TestOwnLogGrows: what a run has left behind can go on writing to the file of the run, and faster than that is copied. No
// more of it is copied than there was at the end of the run. A file of /proc has bytes beyond its size, too.
func TestOwnLogGrows(t *testing.T) {
	d := &disk{logDir: t.TempDir(), gid: -1, base: map[string]int64{}, trouble: map[string]string{}, post: func(any) {}}
	job := &jobfile.Definition{Name: "j"}
	if _, err := d.appendOwn(job, "/proc/self/status"); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(d.logDir, "j.log"))
	if err != nil || len(log) > 0 {
		t.Errorf("%d bytes were copied, %v", len(log), err)
	}
}
