package test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestSecurityNames: each test and script that SECURITY.md names exists.
func TestSecurityNames(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > 120 {
		t.Errorf("SECURITY.md has %d lines, want at most 120", n)
	}
	have, _ := testsAndScripts(t)
	named := regexp.MustCompile(`\[([\w\s,]+)\][^(]`).FindAllSubmatch(text, -1)
	if len(named) < 10 {
		t.Errorf("SECURITY.md names %d groups of tests, want at least 10", len(named))
	}
	for _, m := range named {
		for name := range strings.SplitSeq(string(m[1]), ",") {
			if name = strings.TrimSpace(name); !have[name] {
				t.Errorf("SECURITY.md names %q, which is no test and no script", name)
			}
		}
	}
}

// TestSecretsStayHome: no file of the daemon has arguments, scripts, environment or output of jobs, at any level of its
// log, however the jobs end.
func TestSecretsStayHome(t *testing.T) {
	const canary = "xyzzy"
	s := newServer(t)
	if err := os.WriteFile(filepath.Join(s.root, "secrets"), []byte("FILE="+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.root, "bad"), []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PASSED=" + canary, "HIDDEN=" + canary}
	bad := filepath.Join(s.root, "bad")
	s.writeJobs("jobs.toml", fmt.Sprintf(`
[[jobs]]
name = "fails"
shell = "echo xyzzy $ENV $FILE $PASSED >&2; exit 3; : xyzzy"
env = {ENV = "xyzzy"}
env_file = %q
pass_env = ["PASSED"]
retries = 1
retry_delay = "1ms"
notify = {on_failure = ["sh", "-c", "exit 1", "xyzzy"]}
[[jobs]]
name = "argued"
cmd = ["sh", "-c", "kill -9 $$", "xyzzy"]
[[jobs]]
name = "missing"
cmd = ["no-such-program", "xyzzy"]
env = {ENV = "xyzzy"}
[[jobs]]
name = "bad"
cmd = ["true", "xyzzy"]
env_file = %q
[[jobs]]
name = "lives"
shell = "echo $1 >&2; sleep 1000"
keep_alive = true
env = {ENV = "xyzzy"}
`, filepath.Join(s.root, "secrets"), bad))
	s.wrap = []string{"sh", "-c", `exec "$@" --log-level=debug`, "sh"}
	s.startReady()
	for _, job := range []string{"fails", "argued", "missing", "bad"} {
		s.command("start", "--wait", job, "--", canary).Run() // fails like the job
	}
	s.command("start", "--wait", "fails").Run() // with a retry, as this run has no arguments
	s.jobsd("restart", "lives", "--", canary)
	s.jobsd("start", "--in", "1h", "missing", "--", canary)
	s.jobsd("start", "--in", "1h", "missing", "--", canary)
	s.jobsd("stop", "missing")
	s.jobsd("start", "--in", "1h", "missing", "--", canary) // this start stays delayed
	for _, job := range []string{"fails", "argued", "missing", "bad"} {
		s.waitLastRun(job)
	}
	s.writeJobs("refused.toml", "cmd = [\"true\"]\nenv = {ENV = xyzzy}\n")
	s.command("reload").Run() // fails because a file is refused
	s.waitState("the file to be refused", func(state *statefile.State) bool { return len(state.Daemon.Reload.Errors) == 1 })
	check := func() {
		t.Helper()
		looked := 0
		filepath.WalkDir(s.root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil
			}
			dir, name := filepath.Split(strings.TrimPrefix(path, s.root+"/"))
			if dir == "jobs.d/" || dir == "log/" || dir == "state/delayed_starts/" || dir == "" && name != "daemon.log" {
				return nil // the job files, the output, and files that only the daemon's user can read
			}
			looked++
			text, err := os.ReadFile(path)
			for line := range bytes.Lines(text) {
				if bytes.Contains(line, []byte(canary)) {
					t.Errorf("%s%s: got a secret in the line %s", dir, name, line)
				}
			}
			return err
		})
		if looked < 3 { // log, state, journal
			t.Errorf("looked at %d files, want at least the log, the state and the journal", looked)
		}
	}
	check()
	if text, err := os.ReadFile(filepath.Join(s.root, "log", "fails.log")); strings.Count(string(text), "xyzzy xyzzy xyzzy xyzzy\n") < 1 {
		t.Errorf("the job did not get the secrets: %v\n%s", err, text)
	}
	s.kill(syscall.SIGKILL)
	s.startReady()
	check()
	s.terminate()
	check()
}

// TestModes: the files of the daemon have the right modes, whatever its umask is.
func TestModes(t *testing.T) {
	needLinux(t, "needs /proc and the stat(1) of Linux")
	want := map[string]fs.FileMode{
		"state": 0o755, "run": 0o755, "log": 0o750, "state/accepted": 0o700,
		"state/state.json": 0o644, "state/history.jsonl": 0o640, "state/accepted/ok.toml": 0o600,
		"state/delayed_starts": 0o700, "state/delayed_starts/2": 0o600,
		"run/jobsd.pid": 0o644, "run/jobsd.sock": 0o666, "run/recorder.sock": 0o600, "log/ok.log": 0o640, "log/ok.log.1": 0o640, "log/beside.log": 0o640,
	}
	for _, umask := range []string{"000", "077"} {
		t.Run(umask, func(t *testing.T) {
			s := newServer(t)
			s.wrap = []string{"sh", "-c", "umask " + umask + `; exec "$@"`, "sh"}
			letter := filepath.Join(s.root, "letter")
			mailer := filepath.Join(s.root, "mailer")
			script := "#!/bin/sh\nstat -L -c '%F %a' /proc/self/fd/0 >" + letter + ".new\nmv " + letter + ".new " + letter + "\n"
			writeProgram(t, mailer, script)
			s.writeJobs("../jobsd.toml", fmt.Sprintf("[mail]\nsendmail = [%q]\nto = [\"a@example.org\"]\n", mailer))
			s.writeJobs("ok.toml", "shell = \"head -c 3000 /dev/zero; echo; exit 3\"\nlog = {max_size = 4096}\n")
			s.writeJobs("beside.toml", "cmd = [\"sleep\", \"1000\"]\noverlap = \"allow\"\n")
			s.startReady()
			s.jobsd("start", "beside")
			s.jobsd("start", "--in", "1h", "beside", "--", "1")
			for range 2 {
				s.command("start", "--wait", "ok").Run() // fails like the job
			}
			s.writeJobs("ok.toml", "nonsense\n")
			s.command("reload").Run() // fails because the file is refused
			s.waitState("a mail and all files", func(*statefile.State) bool {
				for name := range want {
					if _, err := os.Lstat(filepath.Join(s.root, name)); err != nil {
						return false
					}
				}
				_, err := os.Stat(letter)
				return err == nil
			})
			got := map[string]fs.FileMode{}
			for _, dir := range []string{"state", "run", "log"} {
				filepath.WalkDir(filepath.Join(s.root, dir), func(path string, e fs.DirEntry, err error) error {
					if info, err := os.Lstat(path); err == nil && !strings.HasPrefix(e.Name(), ".") { // those are temporary
						got[strings.TrimPrefix(path, s.root+"/")] = info.Mode().Perm()
					}
					return err
				})
			}
			for name, mode := range got {
				if want[name] != mode {
					t.Errorf("%s: got the mode %04o, want %04o", name, mode, want[name])
				}
			}
			if text, err := os.ReadFile(letter); string(text) != "regular file 600\n" { // others can read neither the file nor find a name of it
				t.Errorf("got %q, %v as the type and the mode of a mail, want \"regular file 600\"", text, err)
			}
			s.terminate()
		})
	}
}

// TestLinksAreNotFollowed: the daemon writes through no link in the place of one of its files.
func TestLinksAreNotFollowed(t *testing.T) {
	s := newServer(t)
	for _, dir := range []string{"state", "log", "run"} {
		if err := os.Mkdir(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var victims []string
	plant := func(name string) {
		t.Helper()
		victim := filepath.Join(s.root, fmt.Sprint("victim", len(victims)))
		victims = append(victims, victim)
		if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, filepath.Join(s.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"state/state.json", "state/history.jsonl", "run/jobsd.pid", "log/talks.log", "log/talks.log.run-2", "log/once.log"} {
		plant(name)
	}
	s.writeJobs("talks.toml", "cmd = [\"echo\", \"hello\"]\noverlap = \"allow\"\n")
	s.writeJobs("once.toml", "cmd = [\"echo\", \"hello\"]\n")
	s.start()
	s.waitLoggedTimes(1, "ready")
	for range 3 {
		s.command("start", "--wait", "talks").Run()
	}
	s.command("start", "--wait", "once").Run()
	s.checkExit("once", 0) // without a log
	s.waitState("three runs", func(state *statefile.State) bool { return state.Jobs["talks"].Runs == 3 })
	s.terminate()

	plant("log/jobsd.log")
	out, err := s.command("run", "--background").CombinedOutput()
	if err == nil {
		if state := s.readState(); state.Daemon.PID > 1 {
			syscall.Kill(state.Daemon.PID, syscall.SIGTERM)
		}
		t.Errorf("the daemon started although its log is a link: %s", out)
	}
	if len(victims) != 7 {
		t.Fatalf("the test planted %d links, want 7", len(victims))
	}
	for _, victim := range victims {
		info, err := os.Lstat(victim)
		text, _ := os.ReadFile(victim)
		if err != nil || string(text) != "untouched" || info.Mode() != 0o600 {
			t.Errorf("%s: got %v, mode %v, %q, want it untouched", filepath.Base(victim), err, info.Mode(), text)
		}
	}
}

// TestPIDFileInforms: no process gets a signal because its pid is in jobsd.pid, or in a state file that another process
// wrote.
func TestPIDFileInforms(t *testing.T) {
	s := newServer(t)
	s.writeJobs("j.toml", "cmd = [\"true\"]\n")
	s.startReady()
	var bystander *exec.Cmd                                                                                   // HUP and TERM would end it
	for start := s.readState().Daemon.PIDStart; bystander == nil || start == s.readState().Daemon.PIDStart; { // until the start times differ
		bystander = exec.Command("sleep", "1000")
		if err := bystander.Start(); err != nil {
			t.Fatal(err)
		}
		defer bystander.Wait()
		defer bystander.Process.Kill()
		var err error
		if start, err = spawn.StartTime(bystander.Process.Pid); err != nil {
			t.Skip("no start times: ", err)
		}
	}
	lie := func() {
		t.Helper()
		path := filepath.Join(s.root, "run", "jobsd.pid")
		os.Remove(path)
		writeFile(t, path, strconv.Itoa(bystander.Process.Pid)+"\n")
	}
	lie()
	s.command("reload").Run() // the result does not matter
	s.jobsd("start", "j")
	path := filepath.Join(s.root, "state", "state.json")
	was := fmt.Sprintf(`"pid":%d,`, s.cmd.Process.Pid)
	s.kill(syscall.SIGKILL)
	lie()
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte(was)) {
		t.Fatalf("the state file lacks %s: %v", was, err)
	}
	text = bytes.Replace(text, []byte(was), fmt.Appendf(nil, `"pid":%d,`, bystander.Process.Pid), 1)
	writeFile(t, path, string(text))
	for _, args := range [][]string{{"reload"}, {"stop", "j"}, {"upgrade"}} {
		if out, err := s.command(args...).CombinedOutput(); err == nil {
			t.Errorf("%s succeeded without a daemon: %s", args, out)
		}
	}
	s.startReady()
	s.terminate()
	if !isAlive(bystander.Process.Pid) {
		t.Error("the process whose pid was in the files got a signal")
	}
}

// TestJobOfAnother: a job of another user cannot attack the daemon, its files, or jobs of others.
func TestJobOfAnother(t *testing.T) {
	needLinux(t, "needs Linux")
	needRoot(t, "only root runs jobs of other users; looks into /proc")
	s, program := newInstalledServer(t)
	s.openToOthers()
	s.writeJobs("jobs.toml", fmt.Sprintf(`
[[jobs]]
name = "roots"
cmd = ["sleep", "1000"]
keep_alive = true
env = {SECRET = "xyzzy"}
[[jobs]]
name = "third"
cmd = ["sleep", "1000"]
keep_alive = true
user = %d
group = %[1]d
dir = "/"
[[jobs]]
name = "tries"
user = %d
group = %[2]d
dir = "/"
shell = '''
try() { if "$@" >/dev/null 2>&1; then echo "could $*"; else echo "refused $*"; fi; }
R=$JOBSD_ROOT D=$(cat $JOBSD_ROOT/run/jobsd.pid)
cat $R/state/state.json >/dev/null && echo reads state
for pid in $D $1 $2; do
	try kill -s 0 $pid
	try kill -s STOP -- -$pid
	try cat /proc/$pid/environ
	try ls /proc/$pid/fd
done
try cat $R/state/history.jsonl
try ls $R/log
try cat $R/log/tries.log
try cat $R/log/roots.log
[ -e $R/run/recorder.sock ] && try test -w $R/run/recorder.sock
try rm -f $R/run/recorder.sock
for dir in state log run jobs.d; do try touch $R/$dir/x; done
try touch $R/state/state.json
try rm -f $R/run/jobsd.sock
for verb in reload upgrade "start roots" "stop roots" "restart roots" "start tries"; do try $3 --root $R $verb; done
C=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)$(sed -n 's/^0:://p' /proc/self/cgroup)
ls -d $C | grep jobsd-
try sh -c "echo 0 >$C/../cgroup.procs"
try sh -c "echo 1 >$C/../cgroup.kill"
try sh -c "echo 0 >$C/cgroup.procs"
try mkdir $C/x
try setpriv --reuid=0 true
echo groups $(id -G)
echo fds $(ls /proc/self/fd | wc -l)
echo session $(cut -d' ' -f6 /proc/$$/stat) of $$
echo env $(env | cut -d= -f1 | grep -v '^JOBSD_' | sort)
'''
`, otherUID+1, otherUID))
	s.startReady()
	was := pidsOf(s.waitState("two to run", func(state *statefile.State) bool { return len(pidsOf(state)) == 2 }))
	s.jobsd("start", "tries", "--", strconv.Itoa(was["roots"]), strconv.Itoa(was["third"]), program)
	s.checkExit("tries", 0)
	text, err := os.ReadFile(filepath.Join(s.root, "log", "tries.log"))
	log := string(text)
	if err != nil || strings.Contains(log, "could") || strings.Count(log, "\nrefused") != 35 {
		t.Errorf("got %v, %d refused attempts, want 35 and no other:\n%s", err, strings.Count(log, "\nrefused"), log)
	}
	session := regexp.MustCompile(`session (\d+) of (\d+)\n`).FindStringSubmatch(log)
	for _, want := range []string{"\nreads state\n", fmt.Sprintf("\ngroups %d\n", otherUID), "\nfds 4\n"} { // one of the descriptors belongs to ls
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if session == nil || session[1] != session[2] {
		t.Errorf("got the session %q, want that the job leads its own", session)
	}
	if env := regexp.MustCompile(`env (.*)\n`).FindStringSubmatch(log); env == nil || strings.Contains(env[1], "GO") {
		t.Errorf("got the environment %q, want none of the daemon's", env)
	}
	if now := s.readState(); pidsOf(now)["roots"] != was["roots"] || pidsOf(now)["third"] != was["third"] || now.Daemon.PID != s.cmd.Process.Pid {
		t.Errorf("got the other jobs %v, daemon %d, want %v, %d", pidsOf(now), now.Daemon.PID, was, s.cmd.Process.Pid)
	}
	s.terminate()
}

// TestForgedTag: a process has the ownership tag of a run of another user. With control groups, this has no effect.
// Without them, the process is stopped together with that run, and nobody else is harmed.
func TestForgedTag(t *testing.T) {
	needRoot(t, "only root runs jobs of other users")
	inEnvironments(t, true, func(t *testing.T, s *server) {
		s.writeJobs("jobs.toml", fmt.Sprintf(`
[[jobs]]
name = "victim"
shell = "cat /proc/self/cgroup; sleep 1000"
[[jobs]]
name = "forger"
shell = "setsid env JOBSD_MARK=${JOBSD_MARK%%%%/*}/victim/$1 sleep 1000 & sleep 1000"
user = %d
group = %[1]d
dir = "/"
`, otherUID))
		s.startReady()
		s.jobsd("start", "victim")
		state := s.waitState("the victim to run", func(state *statefile.State) bool { return pidsOf(state)["victim"] > 0 })
		s.waitProcesses("victim", 2)
		run := strconv.FormatUint(state.Jobs["victim"].Running[0].Run, 10)
		s.jobsd("start", "forger", "--", run)
		forgers := s.waitProcesses("forger", 2) // a shell and its child
		s.waitProcesses("victim", 3)
		log, err := os.ReadFile(filepath.Join(s.root, "log", "victim.log"))
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		if bytes.Contains(log, []byte("/jobsd-")) {
			left = 1
		}
		s.jobsd("stop", "victim")
		if now := processesOf(t, s.root, "victim"); len(now) != left {
			t.Errorf("got the processes %v with the tag of the victim, want %d", now, left)
		}
		if now := processesOf(t, s.root, "forger"); !slices.Equal(now, forgers) {
			t.Errorf("got the processes %v of the forger, want %v", now, forgers)
		}
		if r := s.waitLastRun("victim"); r.Outcome != statefile.OutcomeStopped {
			t.Errorf("victim: got %+v, want the outcome stopped", r)
		}
		s.jobsd("stop", "forger")
		s.waitProcesses("victim", 0)
	})
}
