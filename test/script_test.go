package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestScripts runs the scripts of testdata/script, each with a root directory of its own, r. Scripts have these
// commands in addition to those of testscript:
//
//	daemon NAME [VAR=VALUE...] [ARG...]  run a daemon with its log in NAME.log, and wait until it is ready
//	end NAME  [SIGNAL [CODE]]            send a daemon a signal (TERM), and wait until it exits with the code (0)
//	signal NAME|FILE|PID SIGNAL          send a signal to a daemon, a pid, or the pid in a file
//	exits CODE COMMAND [ARG...]          run a command that must exit with the code
//	waitstate [-in DURATION] CONDITION   wait until the state file meets the condition
//	waitlog FILE REGEXP                  wait until the file matches
//	waitgone PID                         wait until the process has ended
//	waitgroup PID NUMBER                 wait until the process group has this number of processes, by /proc
//	waitclock TIME [DURATION]            wait until the clock shows a time (RFC 3339), plus the duration
//	[!] json FILE CONDITION              check that a JSON file, or stdout, meets (does not meet) the condition
//	let VAR FILE PATH                    set a variable to a value from a JSON file
//	nowplus VAR DURATION [FORMAT]        set a variable to the local time plus the duration, as time.Format writes it
//	write FILE SOURCE [MODE]             replace FILE by a copy of SOURCE in one step, with its ${VAR}s expanded
//	backdate DURATION                    change the journal as if its daemon had ended so much earlier
//
// condition_test.go describes conditions. When a script ends, its daemons must exit with 0, no process of a job may be
// left, and the state file must be valid.
func TestScripts(t *testing.T) {
	t.Parallel()
	p := params(nil)
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// TestScriptsWithoutCgroups runs the scripts about the end of processes again on a machine without cgroups.
func TestScriptsWithoutCgroups(t *testing.T) {
	needLinux(t, "needs Linux")
	needRoot(t, "needs root for a mount namespace")
	t.Parallel()
	p := params(withoutCgroups)
	for _, name := range []string{"A8_B26_leftovers", "A40_second_TERM", "B25_B28_timeout", "B40_stop_timeout_of_job", "stop"} {
		p.Files = append(p.Files, filepath.Join("testdata/script", name+".txtar"))
	}
	testscript.Run(t, p)
}

// withoutCgroups stands in front of a command and hides the cgroups from it.
var withoutCgroups = []string{"unshare", "-m", "sh", "-c", `umount -R -l /sys/fs/cgroup && exec "$@"`, "sh"}

func params(wrap []string) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setup(env, wrap) },
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "long":
				return *long, nil
			case "adoptstatus":
				return kernelIs(6, 15), nil
			case "root":
				return os.Geteuid() == 0, nil
			case "completion":
				_, err := os.Stat("/usr/share/bash-completion/bash_completion")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon":    cmdDaemon,
			"end":       cmdEnd,
			"signal":    cmdSignal,
			"exits":     cmdExits,
			"waitstate": cmdWaitState,
			"waitlog":   cmdWaitLog,
			"waitgone":  cmdWaitGone,
			"waitgroup": cmdWaitGroup,
			"waitclock": cmdWaitClock,
			"json":      cmdJSON,
			"let":       cmdLet,
			"nowplus":   cmdNowPlus,
			"write":     cmdWrite,
			"backdate":  cmdBackdate,
		},
	}
}

// kernelIs reports whether this machine runs Linux of this version or a later one.
func kernelIs(major, minor int) bool {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	var a, b int
	if n, _ := fmt.Sscanf(string(text), "%d.%d", &a, &b); err != nil || n < 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// scriptState is the state of a script that runs.
type scriptState struct {
	root    string   // JOBSD_ROOT
	wrap    []string // the command in front of the daemons
	vars    []string
	daemons map[string]*daemon
}

type daemon struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

type scriptKey struct{}

func setup(env *testscript.Env, wrap []string) error {
	s := &scriptState{root: filepath.Join(env.WorkDir, "r"), wrap: wrap, daemons: map[string]*daemon{}}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	env.Setenv("HOST", host)
	env.Setenv("UID", strconv.Itoa(os.Getuid()))
	env.Setenv("JOBSD_ROOT", s.root)
	if tz, ok := os.LookupEnv("TZ"); ok {
		env.Setenv("TZ", tz)
	}
	env.Setenv(slowDisk, os.Getenv(slowDisk))
	s.vars = env.Vars
	env.Values[scriptKey{}] = s
	env.Defer(func() { s.clear(env.T().(testing.TB)) })
	return os.MkdirAll(filepath.Join(s.root, "jobs.d"), 0o755)
}

func stateOf(ts *testscript.TestScript) *scriptState { return ts.Value(scriptKey{}).(*scriptState) }

func (s *scriptState) stateFile() string { return filepath.Join(s.root, "state", "state.json") }

func cmdDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: daemon NAME [VAR=VALUE...] [ARG...]")
	}
	s := stateOf(ts)
	name, args := args[0], args[1:]
	if s.daemons[name] != nil {
		ts.Fatalf("daemon %s already runs", name)
	}
	vars := s.vars
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		vars, args = append(vars[:len(vars):len(vars)], args[0]), args[1:]
	}
	d := &daemon{log: ts.MkAbs(name + ".log"), done: make(chan struct{})}
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	defer log.Close()
	path, err := exec.LookPath("jobsd") // testscript has put it there
	ts.Check(err)
	command := slices.Concat(s.wrap, []string{path, "run"}, args)
	d.cmd = exec.Command(command[0], command[1:]...)
	d.cmd.Env, d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = vars, ts.MkAbs("."), log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	ts.Check(d.cmd.Start())
	s.daemons[name] = d
	go func() {
		d.cmd.Wait() // ProcessState has the result
		close(d.done)
	}()
	await(ts, "daemon "+name+" to be ready", func() (bool, string) {
		if d.ended() {
			ts.Fatalf("daemon %s ended: %s\n%s", name, d.cmd.ProcessState, tail(d.log))
		}
		state, err := statefile.ReadState(filepath.Dir(s.stateFile()))
		if err != nil {
			return false, err.Error()
		}
		return state.Daemon.PID == d.cmd.Process.Pid && state.Daemon.Reload.Done > 0, tail(d.log)
	})
	ts.Setenv("PID_"+name, strconv.Itoa(d.cmd.Process.Pid))
}

func (d *daemon) ended() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

func cmdEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 3 {
		ts.Fatalf("usage: end NAME [SIGNAL [CODE]]")
	}
	sig, code := "TERM", "0"
	if len(args) > 1 {
		sig = args[1]
	}
	if len(args) > 2 {
		code = args[2]
	}
	s := stateOf(ts)
	d := s.daemons[args[0]]
	if d == nil {
		ts.Fatalf("daemon %s does not run", args[0])
	}
	delete(s.daemons, args[0])
	ts.Check(d.cmd.Process.Signal(signalOf(ts, sig)))
	if !d.wait() {
		syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
		ts.Fatalf("daemon %s does not end\n%s", args[0], tail(d.log))
	}
	if got := strconv.Itoa(d.cmd.ProcessState.ExitCode()); got != code {
		ts.Fatalf("daemon %s: exit code %s, want %s\n%s", args[0], got, code, tail(d.log))
	}
}

func (d *daemon) wait() bool {
	select {
	case <-d.done:
		return true
	case <-time.After(waitLimit):
		return false
	}
}

func signalOf(ts *testscript.TestScript, name string) syscall.Signal {
	sig, ok := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
		"KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "PIPE": syscall.SIGPIPE,
		"TERM": syscall.SIGTERM, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}[name]
	if !ok {
		ts.Fatalf("unknown signal %q", name)
	}
	return sig
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME|FILE|PID SIGNAL")
	}
	sig := signalOf(ts, args[1])
	if d := stateOf(ts).daemons[args[0]]; d != nil {
		ts.Check(d.cmd.Process.Signal(sig))
		return
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		pid, err = strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
	}
	if err != nil || pid <= 1 {
		ts.Fatalf("%s is no daemon, no pid and no file with a pid", args[0])
	}
	ts.Check(syscall.Kill(pid, sig))
}

// await calls look until it returns true, and fails the script after waitLimit with what look returned last.
func await(ts *testscript.TestScript, what string, look func() (ok bool, saw string)) {
	awaitFor(ts, waitLimit, what, look)
}

func awaitFor(ts *testscript.TestScript, limit time.Duration, what string, look func() (ok bool, saw string)) {
	saw := ""
	err := poll(limit, nil, func() (ok bool) {
		ok, saw = look()
		return ok
	})
	if err != nil {
		ts.Fatalf("%v while the script waited for %s\n%s", err, what, saw)
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if got := strconv.Itoa(code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

func cmdWaitState(ts *testscript.TestScript, neg bool, args []string) {
	limit := waitLimit
	if len(args) > 2 && args[0] == "-in" {
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		limit, args = d, args[2:]
	}
	c, err := parseCondition(args)
	ts.Check(err)
	if neg {
		ts.Fatalf("waitstate cannot be negated")
	}
	file := stateOf(ts).stateFile()
	awaitFor(ts, limit, strings.Join(args, " "), func() (bool, string) {
		text, err := os.ReadFile(file)
		if err != nil {
			return false, err.Error()
		}
		var doc any
		if err := json.Unmarshal(text, &doc); err != nil {
			ts.Fatalf("the state file is broken: %v\n%s", err, text)
		}
		ok, why := c.holds(doc)
		return ok, why + "\n" + string(text)
	})
}

func cmdWaitLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitlog FILE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	await(ts, args[0]+" to match "+args[1], func() (bool, string) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && re.Match(text), string(text)
	})
}

func cmdWaitGone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitgone PID")
	}
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	await(ts, "the end of process "+args[0], func() (bool, string) { return !isAlive(pid), "" })
}

func cmdWaitGroup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitgroup PID NUMBER")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	await(ts, args[1]+" processes in the group "+args[0], func() (bool, string) {
		pids := inGroup(args[0])
		return len(pids) == want, fmt.Sprint("there are ", pids)
	})
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: json FILE CONDITION")
	}
	c, err := parseCondition(args[1:])
	ts.Check(err)
	if ok, why := c.holds(document(ts, args[0])); ok == neg {
		not := ""
		if neg {
			not = "not "
		}
		ts.Fatalf("want %s%s, got %s\n%s", not, strings.Join(args[1:], " "), why, ts.ReadFile(args[0]))
	}
}

func document(ts *testscript.TestScript, file string) (doc any) {
	text := ts.ReadFile(file)
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		ts.Fatalf("%s is not valid JSON: %v\n%s", file, err, text)
	}
	return doc
}

func cmdLet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: let VAR FILE PATH")
	}
	path, err := parsePath(args[2])
	ts.Check(err)
	ts.Setenv(args[0], textOf(find(document(ts, args[1]), path)))
}

func cmdNowPlus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: nowplus VAR DURATION [FORMAT]")
	}
	d, err := time.ParseDuration(args[1])
	ts.Check(err)
	format := time.RFC3339
	if len(args) == 3 {
		format = args[2]
	}
	ts.Setenv(args[0], time.Now().Add(d).Format(format))
}

func cmdWaitClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitclock TIME [DURATION]")
	}
	to, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	if len(args) == 2 {
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		to = to.Add(d)
	}
	await(ts, "the clock to show "+to.String(), func() (bool, string) { return time.Now().After(to), "" })
}

var variable = regexp.MustCompile(`\$\{[A-Za-z0-9_]+\}`)

func cmdWrite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: write FILE SOURCE [MODE]")
	}
	mode := uint64(0o644)
	if len(args) == 3 {
		var err error
		mode, err = strconv.ParseUint(args[2], 8, 12)
		ts.Check(err)
	}
	value := func(v string) string { return ts.Getenv(v[2 : len(v)-1]) }
	text := variable.ReplaceAllStringFunc(ts.ReadFile(args[1]), value)
	file := ts.MkAbs(args[0])
	temp := filepath.Join(filepath.Dir(file), ".writing")
	ts.Check(os.WriteFile(temp, []byte(text), 0o600))
	ts.Check(os.Chmod(temp, os.FileMode(mode)))
	ts.Check(os.Rename(temp, file))
}

func cmdBackdate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: backdate DURATION")
	}
	by, err := time.ParseDuration(args[0])
	ts.Check(err)
	journal, facts, _, err := statefile.OpenJournal(filepath.Dir(stateOf(ts).stateFile()), 0, 0)
	ts.Check(err)
	for _, j := range facts.Jobs {
		j.LastSlot = statefile.At(j.LastSlot.Time().Add(-by))
		if j.Anchor != nil {
			j.Anchor.Wall, j.Anchor.Boot = statefile.At(j.Anchor.Wall.Time().Add(-by)), j.Anchor.Boot-by
		}
		for n := range statefile.Items(j.Delayed) {
			due := &(*j.Delayed)[n].Due
			due.Wall, due.Boot = statefile.At(due.Wall.Time().Add(-by)), due.Boot-by
		}
	}
	ts.Check(errors.Join(journal.Rotate(facts, statefile.At(time.Now())), journal.Close()))
}

// clear ends the daemons of the script. It fails the script for processes of jobs that are left and for a broken state
// file.
func (s *scriptState) clear(t testing.TB) {
	for name, d := range s.daemons {
		if t.Failed() {
			t.Logf("log of daemon %s:\n%s", name, tail(d.log))
		}
		d.cmd.Process.Signal(syscall.SIGTERM)
		if !d.wait() {
			t.Errorf("daemon %s does not end\n%s", name, tail(d.log))
		} else if !d.cmd.ProcessState.Success() {
			t.Errorf("daemon %s: %s\n%s", name, d.cmd.ProcessState, tail(d.log))
		}
		syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	}
	s.clearBackground(t)
	logs, _ := filepath.Glob(filepath.Join(filepath.Dir(s.root), "*.log"))
	for _, log := range logs {
		noteTurns(t.Name(), log)
	}
	for _, pid := range processesOf(t, s.root, "") {
		t.Errorf("process %d of a job still runs after the end of the script", pid)
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.checkState(t)
}

// clearBackground kills a daemon that the script started in the background, which only the state file knows.
func (s *scriptState) clearBackground(t testing.TB) {
	state, err := statefile.ReadState(filepath.Dir(s.stateFile()))
	if err != nil {
		return
	}
	d := &state.Daemon
	start, err := spawn.StartTime(d.PID)
	if err == nil && start == d.PIDStart && d.BootID == spawn.BootID() && isAlive(d.PID) {
		t.Errorf("the daemon with pid %d still runs after the end of the script", d.PID)
		syscall.Kill(d.PID, syscall.SIGKILL)
	}
}

func (s *scriptState) checkState(t testing.TB) {
	text, err := os.ReadFile(s.stateFile())
	if err == nil && !json.Valid(text) {
		t.Errorf("the state file is broken:\n%s", text)
	}
}

var stateID = regexp.MustCompile(`"id": ?"([0-9a-f]{32})"`)

// processesOf returns the processes that have the ownership tag of a job, or of any job of the root if job is empty. It
// finds processes on Linux only.
func processesOf(t testing.TB, root, job string) []int {
	journal, err := os.ReadFile(filepath.Join(root, "state", "history.jsonl"))
	if err != nil || runtime.GOOS != "linux" {
		return nil
	}
	id := stateID.FindSubmatch(journal)
	if id == nil {
		t.Error("the journal has no id of the state directory")
		return nil
	}
	tag := append([]byte("JOBSD_MARK="), append(id[1], '/')...)
	if job != "" {
		tag = append(append(tag, job...), '/')
	}
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Error(err)
	}
	var pids []int
	for _, file := range files {
		if !bytes.Contains(append([]byte{0}, readEnviron(file)...), append([]byte{0}, tag...)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && isAlive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// tail returns the end of a file, for the report of a failure.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
