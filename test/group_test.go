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

// The members of the group in jobsd.toml can read the journal, the log directory and all logs: those that exist, those
// that are made, and those that exist when the group is set by a reload. Others cannot, and are told who can.
func TestGroupReads(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to a group")
	}
	t.Parallel()
	s, _ := installed(t)
	s.open()
	s.write("j.toml", "cmd = [\"echo\", \"hello\"]\nlog = {max_size = 4096}\n")
	s.begin()
	s.tell("start", "--wait", "j")
	as := func(gid uint32, args ...string) (string, int) {
		cmd := exec.Command(s.exe, append([]string{"--root", s.root}, args...)...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other + 1, Gid: gid}}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := as(other, "logs", "j"); code != 4 || !strings.Contains(out, `"group" in jobsd.toml`) {
		t.Errorf("without a group: exit code %d\n%s", code, out)
	}
	put(t, filepath.Join(s.root, "log", "jobsd.log"), "the daemon's own\n")
	if err := os.WriteFile(filepath.Join(s.root, "jobsd.toml"), fmt.Appendf(nil, "group = %d\n", other), 0o644); err != nil {
		t.Fatal(err)
	}
	s.tell("reload")
	s.tell("start", "--wait", "j")
	if out, code := as(other, "logs", "j"); code != 0 || strings.Count(out, "hello") != 2 {
		t.Errorf("logs: exit code %d\n%s", code, out)
	}
	if out, code := as(other, "history", "j"); code != 0 || strings.Count(out, "manual") != 2 {
		t.Errorf("history: exit code %d\n%s", code, out)
	}
	if out, code := as(other+2, "logs", "j"); code != 4 || !strings.Contains(out, fmt.Sprint("the group ", other)) {
		t.Errorf("another group: exit code %d\n%s", code, out)
	}
	var st syscall.Stat_t
	for _, name := range []string{"log", "log/j.log", "log/jobsd.log", "state/history.jsonl"} {
		if err := syscall.Stat(filepath.Join(s.root, name), &st); err != nil || st.Gid != other {
			t.Errorf("%s belongs to group %d, %v", name, st.Gid, err)
		}
	}
	if state := s.read(); len(state.Daemon.Degraded) > 0 {
		t.Errorf("degraded: %v", state.Daemon.Degraded)
	}
	s.term()

	// The next daemon does the same at its start.
	if err := os.Chown(filepath.Join(s.root, "log", "j.log"), 0, 0); err != nil {
		t.Fatal(err)
	}
	s.begin()
	s.until("the log to be the group's", func(*statefile.State) bool {
		return syscall.Stat(filepath.Join(s.root, "log", "j.log"), &st) == nil && st.Gid == other
	})
	s.term()
}
