package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHookNeverRunsTwiceAtOnce: a command that still runs when the daemon ends or is upgraded is killed, before the next
// daemon runs it again for the same event.
func TestHookNeverRunsTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "hook")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.writeJobs("j.toml", fmt.Sprintf(`cmd = ["false"]
dir = %q
[notify]
on_failure = ["sh", "-c", '''
trap '' TERM
[ -e pid ] && kill -0 $(cat pid) 2>/dev/null && echo "$(cat pid) lives" >>twice
echo $$ >new
mv new pid
echo $JOBSD_EVENT_ID >>ids
until [ -e go ]; do sleep 0.05; done''']
`, dir))
	read := func(name string) []string {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.Fields(string(text))
	}
	runs := func(n int) {
		t.Helper()
		s.waitFor(fmt.Sprintf("the command to run %d times", n), func() bool { return len(read("ids")) == n })
	}
	s.startReady()
	s.command("start", "--wait", "j").Run() // fails as the job does
	runs(1)
	s.jobsd("upgrade", "--wait")
	runs(2)
	s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.done
	s.startReady()
	runs(3)
	writeFile(t, filepath.Join(dir, "go"), "")
	s.waitFor("the command to end", func() bool { return len(s.owed()) == 0 })
	s.terminate()
	ids := read("ids")
	if twice := read("twice"); len(twice) > 0 || len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the identifiers are %v; at the same time: %v", ids, twice)
	}
}
