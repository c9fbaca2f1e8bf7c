package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestFilesAtOnce: many commands add, edit and remove jobs at the same time, and no change is lost.
func TestFilesAtOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("list.toml", "[[jobs]]\nname = \"first\"\ncmd = [\"true\"]\n")
	editor := filepath.Join(s.root, "editor")
	text := "#!/bin/sh\nprintf '[[jobs]]\\nname = \"%s\"\\ncmd = [\"true\"]\\n' \"$NAME\" >>\"$1\"\n"
	writeProgram(t, editor, text)
	var want []string
	var all sync.WaitGroup
	run := func(env string, args ...string) {
		cmd := exec.Command(s.program(), args...)
		cmd.Env = slices.Concat(os.Environ(), []string{"JOBSD_ROOT=" + s.root, "VISUAL=", "EDITOR=" + editor, env})
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("jobsd %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
	for n := range 10 {
		s.writeJobs(fmt.Sprintf("old%d.toml", n), "cmd = [\"true\"]\n")
		want = slices.Concat(want, []string{fmt.Sprintf("edited%d", n), fmt.Sprintf("new%d", n)})
	}
	s.startReady()
	for n := range 10 {
		run("", "add", fmt.Sprintf("new%d", n), "--shell", "true")
		run(fmt.Sprintf("NAME=edited%d", n), "edit", "list.toml")
		run("", "remove", fmt.Sprintf("old%d", n))
	}
	all.Wait()
	if out := s.jobsd("check"); !strings.HasSuffix(out, "11 files, 21 jobs, no errors\n") {
		t.Errorf("got %s, want 11 files and 21 jobs without errors", out)
	}
	s.jobsd("reload")
	state := s.readState()
	for _, name := range want {
		if state.Jobs[name] == nil {
			t.Errorf("%s is lost", name)
		}
	}
	if n := len(state.Jobs); n != 21 {
		t.Errorf("got %d jobs, want 21", n)
	}
	s.terminate()
}

// TestAddKilled kills add at each system call that changes something. No file is ever there in part, and the next add
// works.
func TestAddKilled(t *testing.T) {
	strace := needProgram(t, "strace", "needs strace(1)")
	t.Parallel()
	s := newServer(t)
	jobs := filepath.Join(s.root, "jobs.d")
	if err := exec.Command(strace, "-f", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skip("strace cannot trace here: ", err)
	}
	text := "cmd = [\"true\", \"" + strings.Repeat("x", 100_000) + "\"]\n"
	file := filepath.Join(s.root, "big.toml")
	writeFile(t, file, text)
	for _, call := range []string{"flock", "fchmod", "fsync", "linkat", "unlinkat", "write"} {
		cmd := exec.Command(strace, "-f", "-o", os.DevNull, "-P", jobs, "-P", filepath.Join(jobs, ".jobsd-new-big.toml"),
			"-e", "inject="+call+":signal=KILL", s.program(), "add", file)
		cmd.Env = append(os.Environ(), "JOBSD_ROOT="+s.root)
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Errorf("add at %s: got %v, want that it is killed: %s", call, cmd.ProcessState, out)
		}
		got, err := os.ReadFile(filepath.Join(jobs, "big.toml"))
		switch {
		case err == nil && string(got) != text:
			t.Errorf("add, killed at %s, left %d bytes, want all %d or no file", call, len(got), len(text))
		case err == nil:
			s.jobsd("remove", "big")
		}
		if out := s.jobsd("check"); !strings.HasPrefix(out, "0 files, ") {
			t.Errorf("add, killed at %s, left: %s", call, out)
		}
	}
	s.jobsd("add", file)
	if entries, err := os.ReadDir(jobs); err != nil || len(entries) != 1 {
		t.Errorf("at the end: got %v, %v, want one file", entries, err)
	}
}
