package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestGroupReads: members of the group in jobsd.toml can read the journal, the log directory and all logs, also those
// that were there before a reload set the group. Other users cannot, and the message says which group can.
func TestGroupReads(t *testing.T) {
	needRoot(t, "only root gives files to a group")
	t.Parallel()
	s, _ := newInstalledServer(t)
	s.openToOthers()
	s.writeJobs("j.toml", "cmd = [\"echo\", \"hello\"]\nlog = {max_size = 4096}\n")
	s.startReady()
	s.jobsd("start", "--wait", "j")
	as := func(gid uint32, args ...string) (string, int) {
		cmd := exec.Command(s.exe, append([]string{"--root", s.root}, args...)...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUID + 1, Gid: gid}}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := as(otherUID, "logs", "j"); code != 4 || !strings.Contains(out, `"group" in jobsd.toml`) {
		t.Errorf("without a group: got exit code %d, want 4 and a hint about \"group\"\n%s", code, out)
	}
	writeFile(t, filepath.Join(s.root, "log", "jobsd.log"), "the daemon's own\n")
	writeFile(t, filepath.Join(s.root, "jobsd.toml"), fmt.Sprintf("group = %d\n", otherUID))
	s.jobsd("reload")
	s.jobsd("start", "--wait", "j")
	if out, code := as(otherUID, "logs", "j"); code != 0 || strings.Count(out, "hello") != 2 {
		t.Errorf("logs: got exit code %d, want 0 and the output of two runs\n%s", code, out)
	}
	if out, code := as(otherUID, "history", "j"); code != 0 || strings.Count(out, "manual") != 2 {
		t.Errorf("history: got exit code %d, want 0 and two runs\n%s", code, out)
	}
	if out, code := as(otherUID+2, "logs", "j"); code != 4 || !strings.Contains(out, fmt.Sprint("the group ", otherUID)) {
		t.Errorf("another group: got exit code %d, want 4 and the name of the group\n%s", code, out)
	}
	var st syscall.Stat_t
	for _, name := range []string{"log", "log/j.log", "log/jobsd.log", "state/history.jsonl"} {
		if err := syscall.Stat(filepath.Join(s.root, name), &st); err != nil || st.Gid != otherUID {
			t.Errorf("%s: got group %d, %v, want %d", name, st.Gid, err, otherUID)
		}
	}
	if state := s.readState(); len(state.Daemon.Degraded) > 0 {
		t.Errorf("got degraded %v, want nothing", state.Daemon.Degraded)
	}
	s.terminate()

	// The next daemon does the same at its start.
	if err := os.Chown(filepath.Join(s.root, "log", "j.log"), 0, 0); err != nil {
		t.Fatal(err)
	}
	s.startReady()
	s.waitState("the log to belong to the group", func(*statefile.State) bool {
		return syscall.Stat(filepath.Join(s.root, "log", "j.log"), &st) == nil && st.Gid == otherUID
	})
	s.terminate()
}
