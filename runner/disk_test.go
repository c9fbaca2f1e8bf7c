package runner

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"jobsd/runner/core"
	"jobsd/statefile"
)

// TestDelayedArgsAreDurable: an accepted delayed start survives a power failure, and so does its cancellation.
func TestDelayedArgsAreDurable(t *testing.T) {
	for _, r := range []statefile.Record{&statefile.Disabled{}, &statefile.AllDisabled{}, &statefile.Delayed{}, &statefile.Dropped{}} {
		facts := statefile.NewFacts("")
		delayed, _ := openDelayedArgs(t.TempDir(), facts)
		d := &disk{delayedArgs: delayed}
		if d.do(core.Append{Entry: statefile.Entry{Record: r}}); !d.sync {
			t.Errorf("%s can be lost", r.Kind())
		}
	}
}

// TestNameless: the text of a trouble says where it is, without the name of a temporary file.
func TestNameless(t *testing.T) {
	for want, err := range map[string]error{
		"cannot open in the state directory: read-only file system": &fs.PathError{Op: "openat", Path: ".history.jsonl71", Err: syscall.EROFS},
		"cannot open in /var/log/jobsd: no space left on device":    &fs.PathError{Op: "open", Path: "/var/log/jobsd/a.log", Err: syscall.ENOSPC},
	} {
		if got := nameless(fmt.Errorf("cannot: %w", err)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
