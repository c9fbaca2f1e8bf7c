//go:build !nowho && (amd64 || arm64)

package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sendSignal lets a shell send the daemon a signal, and waits until the daemon's log names the shell as the sender. The
// shell stays alive until then.
func (s *server) sendSignal(sig string) {
	s.t.Helper()
	shell := exec.Command("sh", "-c", fmt.Sprintf("kill -%s %d; read -r wait", sig, s.cmd.Process.Pid))
	stays, err := shell.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer shell.Wait()
	defer stays.Close()
	exe, err := filepath.EvalSymlinks(shell.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.waitLogged(fmt.Sprintf("signal: name=%s pid=%d uid=%d exe=%s how=kill\n", sig, shell.Process.Pid, os.Getuid(), exe))
}

// TestSender: the daemon's log names the sender of a signal, also after an upgrade, after an upgrade that failed at the
// last moment, and under nohup(1).
func TestSender(t *testing.T) {
	t.Parallel()
	s, program := newInstalledServer(t)
	s.wrap = []string{"nohup"}
	s.startReady()
	for _, sig := range []string{"HUP", "USR1", "USR2"} {
		s.sendSignal(sig)
	}
	upgrade := func() string {
		out, _ := exec.Command(program, "--root", s.root, "upgrade", "--wait").CombinedOutput()
		return string(out)
	}
	if said := upgrade(); !strings.HasPrefix(said, "upgraded from ") {
		t.Errorf("upgrade: got %q, want \"upgraded from\"", said)
	}
	s.sendSignal("HUP")
	s.install(fmt.Sprintf("#!/bin/sh\nrm %s; exec %s \"$@\"\n", s.exe, program))
	if said := upgrade(); !strings.Contains(said, "continues with the old one") {
		t.Errorf("upgrade to a program that vanishes: got %q, want \"continues with the old one\"", said)
	}
	s.sendSignal("HUP")
	s.sendSignal("TERM")
	<-s.done
	s.cmd = nil
}

// TestSenderGone: if the sender has ended before the daemon looks, the log has its pid and uid only.
func TestSenderGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start()
	s.waitReady()
	s.cmd.Process.Signal(syscall.SIGSTOP)
	shell := exec.Command("sh", "-c", fmt.Sprintf("kill -USR2 %d", s.cmd.Process.Pid))
	err := shell.Run()
	s.cmd.Process.Signal(syscall.SIGCONT)
	if err != nil {
		t.Fatal(err)
	}
	s.waitLogged(fmt.Sprintf("signal: name=USR2 pid=%d uid=%d exe=unknown how=kill\n", shell.Process.Pid, os.Getuid()))
	s.kill(syscall.SIGTERM)
}
