package test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/control"
	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

var siege = flag.Duration("siege", 10*time.Second, "how long the ordinary user of TestOrdinaryUser attacks the daemon")

// ordinary is a local user with a login, a home, FUSE, and jobs that root wrote for them.
type ordinary struct {
	*server
	uid       int
	home      string
	misbehave string // a copy of misbehave that other users may execute
	attacks   []*exec.Cmd
}

// siegeJobs are the jobs that the ordinary user attacks: jobs of root that are due every two seconds, one that the test
// starts and stops all the time, and jobs that run as the user, with programs and directories of the user.
func siegeJobs(uid int, home, misbehave string) string {
	var b strings.Builder
	for i := range 46 {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"root%02d\"\ncmd = [\"true\"]\nevery = \"2s\"\n", i)
	}
	b.WriteString("[[jobs]]\nname = \"victim\"\ncmd = [\"sleep\", \"1000\"]\nstop_timeout = \"1s\"\nlock = \"v\"\n")
	for name, what := range map[string]string{
		"mine":   fmt.Sprintf("shell = \"echo $JOBSD_MARK >%s/tag\"\ndir = %q\n", home, home),
		"leased": fmt.Sprintf("cmd = [%q]\ndir = \"/\"\n", home+"/program"),
		"hung":   fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", home+"/fuse/sub"),
		"grows":  fmt.Sprintf("cmd = [%q, \"grow\"]\ndir = \"/\"\nlog = {max_size = \"64KB\"}\n", misbehave),
	} {
		fmt.Fprintf(&b, "[[jobs]]\nname = %q\nevery = \"1s\"\nuser = %d\ngroup = %[2]d\n%s", name, uid, what)
	}
	return b.String()
}

// asUser starts misbehave as the ordinary user, outside of all jobs, as in a login.
func (u *ordinary) asUser(env []string, args ...string) {
	u.t.Helper()
	cmd := exec.Command(u.misbehave, args...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.uid)}, Setsid: true}
	if err := cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	u.attacks = append(u.attacks, cmd)
}

// endAttacks ends all processes that the user has started.
func (u *ordinary) endAttacks() {
	for _, cmd := range u.attacks {
		cmd.Process.Kill()
		go cmd.Wait() // a process that hangs ends with its file system
	}
	u.attacks = nil
}

// TestOrdinaryUser: an ordinary local user tries everything that has ever delayed or misled the daemon. Meanwhile jobs
// of root start, the test stops and starts one of them, and the daemon reloads. -siege makes the attack longer. The
// test prints the longest turn of the loop, how late the jobs of root started, and how long stops took.
func TestOrdinaryUser(t *testing.T) {
	needRoot(t, "only root runs jobs of other users")
	s := newServer(t)
	s.openToOthers()
	u := &ordinary{server: s, uid: strangerUID(), home: filepath.Join(s.root, "home"), misbehave: s.copyMisbehave()}
	if err := os.Mkdir(u.home, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(u.home, "program"), "#!/bin/sh\n")
	if err := os.Mkdir(filepath.Join(u.home, "fuse"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "program", "fuse"} {
		path := filepath.Join(u.home, name)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, u.uid, u.uid); err != nil {
			t.Fatal(err)
		}
	}
	release := fusetest.HangAt(t, filepath.Join(u.home, "fuse"), u.uid)
	closing, _, letGo := fusetest.HangOnClose(t)
	s.writeJobs("jobs.toml", siegeJobs(u.uid, u.home, u.misbehave))
	writeFile(t, filepath.Join(s.root, "evil.toml"), "cmd = [\"touch\", \""+filepath.Join(s.root, "evil")+"\"]\nevery = \"1s\"\n")
	writeFile(t, filepath.Join(s.root, "good.toml"), "cmd = [\"true\"]\nname = \"evil\"\nevery = \"1s\"\n")
	link := filepath.Join(u.home, "link")
	if err := os.Symlink(filepath.Join(s.root, "good.toml"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(link, filepath.Join(s.root, "jobs.d", "evil.toml")); err != nil {
		t.Fatal(err)
	}
	s.startReady()
	t.Cleanup(u.endAttacks)

	var stops []time.Duration
	attacks := []struct {
		name   string
		launch func()
	}{
		{"none", func() {}},
		{"SIGSTOP to everything of the user's", func() { u.asUser(nil, "freeze") }},
		{"a lease on the program", func() { u.asUser(nil, "lease", filepath.Join(u.home, "program")) }},
		{"copied tags", func() {
			text, _ := os.ReadFile(filepath.Join(u.home, "tag"))
			id, _, _ := strings.Cut(string(text), "/")
			for run := range 100 {
				u.asUser([]string{fmt.Sprintf("JOBSD_MARK=%s/victim/%d", id, s.readState().Jobs["victim"].Runs+uint64(run))}, "sit")
			}
		}},
		{"processes that hang in the middle of exec", func() {
			text, _ := os.ReadFile(filepath.Join(u.home, "tag"))
			id, _, _ := strings.Cut(string(text), "/")
			for run := range 10 {
				u.asUser([]string{fmt.Sprintf("JOBSD_MARK=%s/victim/%d", id, s.readState().Jobs["victim"].Runs+uint64(run))}, "hide", closing)
			}
		}},
		{"huge environments", func() {
			var env []string
			for i := range 18 {
				env = append(env, fmt.Sprintf("X%d=%s", i, strings.Repeat("x", 100_000)))
			}
			for range 50 {
				u.asUser(env, "sit")
			}
		}},
		{"a noisy client", func() { u.asUser(nil, "knock", filepath.Join(s.root, "run", control.SocketName)) }},
		{"a link that is re-pointed", func() { u.asUser(nil, "repoint", link, s.root) }},
	}
	share := *siege / time.Duration(len(attacks))
	for _, attack := range attacks {
		attack.launch()
		var worst time.Duration
		for end := time.Now().Add(share); ; {
			s.jobsd("start", "victim")
			s.waitState("the victim to run", func(state *statefile.State) bool { return pidsOf(state)["victim"] > 0 })
			began := time.Now()
			s.jobsd("stop", "victim")
			stops = append(stops, time.Since(began))
			worst = max(worst, time.Since(began))
			cmd := s.command("reload")
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "evil.toml") {
				t.Errorf("reload does not refuse the link of another user: %v\n%s", err, out)
			}
			if time.Now().After(end) {
				break
			}
		}
		t.Logf("%-36s slowest stop %v", attack.name, worst.Round(time.Millisecond))
		u.endAttacks()
	}
	if _, err := os.Stat(filepath.Join(s.root, "evil")); err == nil {
		t.Error("a file that the user chose ran as root")
	}
	t.Logf("the daemon's peak memory: %d kB", peakMemory(t, s.cmd.Process.Pid))
	release()
	letGo()
	s.terminate()
	u.report(len(stops))
}

// report prints how late the jobs of root started.
func (u *ordinary) report(stops int) {
	starts, late, latest := 0, 0, time.Duration(0)
	unjournaled := 0
	for e, err := range statefile.History(filepath.Join(u.root, "state")) {
		if err != nil {
			u.t.Fatal(err)
		}
		ended, ok := e.Record.(*statefile.Ended)
		if !ok || !strings.HasPrefix(ended.Job, "root") || ended.Outcome.Slot.IsZero() {
			continue
		}
		if ended.Outcome.Unjournaled {
			unjournaled++
		}
		starts++
		by := ended.Outcome.StartedAt.Time().Sub(ended.Outcome.Slot.Time())
		latest = max(latest, by)
		if by > time.Second {
			late++
		}
	}
	if starts == 0 {
		u.t.Error("no job of root has run")
	}
	text, _ := os.ReadFile(u.log)
	for _, m := range turnLine.FindAllSubmatch(text, -1) {
		u.t.Logf("longest turn %s", m[1])
	}
	u.t.Logf("%d starts of jobs of root, %d later than 1s, the latest by %v; %d unjournaled; %d stops, 0 hung", starts, late,
		latest.Round(time.Millisecond), unjournaled, stops)
}
