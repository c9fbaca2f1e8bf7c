package test

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestNotifyInput: a command of a job with another user gets the end of the output of its own run as standard input, also
// by the name /dev/stdin, and also if the log was rotated since. That user cannot read the log.
func TestNotifyInput(t *testing.T) {
	needRoot(t, "needs root to run jobs as another user")
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("needs the user nobody: ", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	s := newServer(t)
	s.openToOthers()
	dir := filepath.Join(s.root, "theirs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, -1); err != nil {
		t.Fatal(err)
	}
	const lines = 20_000 // about 150 KiB
	s.writeJobs("j.toml", fmt.Sprintf(`user = "nobody"
dir = %q
log = {max_size = 100000, keep = 50}
shell = "awk 'BEGIN {for (n = 1; n <= %d; n++) print ENVIRON[\"JOBSD_RUN\"], n}'; [ -e fails ] && exit 1; exit 0"
[notify]
on_success = ["sh", "-c", '''
cat /dev/stdin >got.$JOBSD_RUN
id -u >uid
mv got.$JOBSD_RUN $JOBSD_EVENT.$JOBSD_RUN
until [ -e go ]; do sleep 0.1; done''']
`, dir, lines))
	s.startReady()
	check := func(run int) {
		t.Helper()
		path := filepath.Join(dir, fmt.Sprint("success.", run))
		s.waitFor("the command for run "+fmt.Sprint(run), func() bool {
			_, err := os.Stat(path)
			return err == nil
		})
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var whole strings.Builder
		for n := range lines {
			fmt.Fprintln(&whole, run, n+1)
		}
		const most = 64 << 10
		const least = most - 500 // the markers of the daemon in the log count, but are not shown
		rest, ok := strings.CutSuffix(whole.String(), string(text))
		if !ok || len(text) > most || len(text) < least || !strings.HasSuffix(rest, "\n") {
			t.Errorf("run %d: got %d bytes, from %.20q to %q, want the last lines in 64 KiB", run, len(text), text, text[max(0, len(text)-20):])
		}
	}
	s.jobsd("start", "--wait", "j")
	check(1) // and waits, so that the command for run 2 waits
	s.jobsd("start", "--wait", "j")
	writeFile(t, filepath.Join(dir, "fails"), "")
	before := s.rotated("j")
	s.command("start", "--wait", "j").Run() // fails as the job does, so no further command is due
	if after := s.rotated("j"); after <= before {
		t.Fatalf("got %d old logs after %d, want the log rotated", after, before)
	}
	writeFile(t, filepath.Join(dir, "go"), "")
	check(2)
	if got, _ := os.ReadFile(filepath.Join(dir, "uid")); strings.TrimSpace(string(got)) != nobody.Uid {
		t.Errorf("the command ran as user %q, want %s", got, nobody.Uid)
	}
	s.terminate()
}

// rotated returns the number of old logs of a job.
func (s *server) rotated(job string) int {
	s.t.Helper()
	list, err := filepath.Glob(filepath.Join(s.root, "log", job+".log.*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}
