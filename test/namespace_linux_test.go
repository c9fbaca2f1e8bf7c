package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOverflowUID: a daemon in a user namespace runs as uid 65534, which also stands for all users without a mapping.
// It trusts neither the files nor the connections of these users.
func TestOverflowUID(t *testing.T) {
	needRoot(t, "needs root, to map users and to become them")
	const nobody, root, self, stranger = 65534, 61013, 61014, 61099
	s, _ := newInstalledServer(t)
	s.openToOthers()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: root, Size: 1}, {ContainerID: nobody, HostID: self, Size: 1}}
	s.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids,
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	job := "cmd = [\"true\"]\n"
	for name, uid := range map[string]int{"root": root, "self": self, "stranger": stranger} {
		s.writeJobs(name+".toml", job)
		if err := os.Chown(filepath.Join(s.root, "jobs.d", name+".toml"), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	for dir, uid := range map[string]int{"": self, "jobs.d": root} {
		if err := os.Chown(filepath.Join(s.root, dir), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	probe := exec.Command("true")
	probe.SysProcAttr = s.attr
	if err := probe.Run(); err != nil {
		t.Skip("needs user namespaces: ", err)
	}
	s.startReady()
	state := s.readState()
	if len(state.Jobs) != 1 || state.Jobs["root"] == nil || len(state.Daemon.Reload.Errors) != 2 {
		t.Errorf("got the jobs %v and the errors %q, want the job root and 2 errors", state.Jobs, state.Daemon.Reload.Errors)
	}
	for _, text := range state.Daemon.Reload.Errors {
		if !strings.Contains(text, "is owned by a user outside of this user namespace") {
			t.Errorf("got the error %q, want one about an owner outside of this user namespace", text)
		}
	}
	for uid, want := range map[uint32]int{root: 0, self: 4, stranger: 4} {
		cmd := exec.Command(s.exe, "--root", s.root, "start", "root")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != want {
			t.Errorf("uid %d: got exit code %d, want %d: %s", uid, cmd.ProcessState.ExitCode(), want, out)
		}
	}
	s.terminate()
}
