package spawn

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestCutPieces: CutFront refuses a log that its job has scattered over the disk. The file system would need minutes
// for the cut, and every writer of the log would wait for that.
func TestCutPieces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const step = 8192
	cut := func(pieces int) error {
		t.Helper()
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for n := range pieces {
			if _, err := f.WriteAt([]byte("x"), int64(n+1)*step-1); err != nil {
				t.Fatal(err)
			}
		}
		front, err := CopyFront(path, path+".cut", 2*step, 2)
		if err == nil {
			err = CutFront(path, front)
		}
		os.Remove(path + ".cut")
		return err
	}
	if err := cut(10); errors.Is(err, ErrCannotCut) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := cut(2 * mostPieces); !errors.Is(err, ErrCannotCut) {
		t.Errorf("CutFront of a scattered log: %v", err)
	}
	if log, err := os.ReadFile(path); err != nil || len(log) != 2*mostPieces*step || bytes.Count(log, []byte("x")) != 2*mostPieces {
		t.Errorf("the log changed: it has %d bytes now, %v", len(log), err)
	}
}
