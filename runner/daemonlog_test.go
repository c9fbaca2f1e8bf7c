package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogReopened: lines after the log was reopened are in the new file, earlier lines in the old one.
func TestLogReopened(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		path, moved := filepath.Join(dir, "log"), filepath.Join(dir, "moved")
		l, err := newLogger(Options{LogFile: path, LogLevel: "info"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, moved); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			l.Info("before")
		}
		l.rotate()
		l.Info("after")
		l.close()
		old, _ := os.ReadFile(moved)
		reopened, _ := os.ReadFile(path)
		if strings.Count(string(old), "before") != 20 || strings.Contains(string(old), "after") || !strings.Contains(string(reopened), "after") {
			t.Fatalf("the old one:\n%s\nthe new one:\n%s", old, reopened)
		}
	}
}
