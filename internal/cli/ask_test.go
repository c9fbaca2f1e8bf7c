package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"jobsd/internal/control"
	"jobsd/internal/jobfile"
	"jobsd/spawn"
	"jobsd/statefile"
)

// TestUnwritten checks that a verb prints a warning if the daemon cannot write the order to disk.
func TestUnwritten(t *testing.T) {
	defer func(was time.Duration) { SeenPatience = was }(SeenPatience)
	SeenPatience = 3 * pollPause
	dir := t.TempDir()
	start, err := spawn.StartTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := statefile.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.SetDaemon(statefile.Daemon{PID: os.Getpid(), PIDStart: start, Uptime: statefile.Seconds(time.Minute)})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	for uptime, want := range map[time.Duration]bool{time.Second: false, time.Hour: true} {
		var out bytes.Buffer
		a := &app{err: &out}
		a.tellUnseen(&site{Dirs: jobfile.Dirs{State: dir}}, control.Response{Uptime: uptime})
		if told := strings.Contains(out.String(), "not written this to disk"); told != want {
			t.Errorf("%v: %q", uptime, out.String())
		}
	}
}
