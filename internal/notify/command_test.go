package notify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/spawn"
)

func toCommand(script string, events ...Event) *Message {
	m := message(events...)
	m.Command = shell(script)
	return m
}

// TestCommandGetsTheEvent: a command gets the newest event in its environment, and the output of that run.
func TestCommandGetsTheEvent(t *testing.T) {
	e := withOutput(t, failed(), "line one\nno end \xff")
	m := toCommand(`env | grep ^JOBSD_ | sort; cat`, event("start"), e)
	got := deliver(t, newTest(long), m)
	want := `JOBSD_ATTEMPT=1
JOBSD_DURATION=2.500
JOBSD_EVENT=failure
JOBSD_EVENTS=2
JOBSD_EVENT_ID=s-12
JOBSD_EXIT_CODE=3
JOBSD_HOST=alpha
JOBSD_JOB=backup
JOBSD_OUTCOME=exited
JOBSD_REASON=schedule
JOBSD_RUN=7
JOBSD_SIGNAL=
JOBSD_SLOT=2026-03-01T04:00:00Z
JOBSD_TEXT=backup has started; backup failed: exited 3 after 2.5s
` + "line one\nno end \xff\n"
	if got.Error != "" || got.Output != want {
		t.Errorf("got %+v, want the output\n%s", got, want)
	}
}

// TestCommandNamesAllJobs: a command that runs once for events of several jobs learns of each of them, as no other command
// follows for the older ones. A very long list is cut.
func TestCommandNamesAllJobs(t *testing.T) {
	other := func(n int) Event {
		e := event("late")
		e.Job = fmt.Sprint("j", n)
		return e
	}
	got := deliver(t, newTest(long), toCommand(`echo "$JOBSD_JOB: $JOBSD_TEXT"`, other(1), other(2)))
	if want := "j2: j1 is late: details; j2 is late: details\n"; got.Output != want {
		t.Errorf("got %q, want %q", got.Output, want)
	}
	var many []Event
	for n := range maxEvents + 5 {
		many = append(many, other(n))
	}
	got = deliver(t, newTest(long), toCommand(`echo "$JOBSD_EVENTS: $JOBSD_TEXT"`, many...))
	if want := "j19 is late: details; and 5 more\n"; !strings.HasPrefix(got.Output, "25: j0 is late: details; j1") || !strings.HasSuffix(got.Output, want) {
		t.Errorf("got %q, want 20 jobs and then %q", got.Output, want)
	}
}

// TestCommandWithoutRun: a command about an event without a run has no variables of a run, and about the daemon no job.
func TestCommandWithoutRun(t *testing.T) {
	for kind, want := range map[string]string{
		"late": `JOBSD_EVENT=late
JOBSD_EVENTS=1
JOBSD_EVENT_ID=s-12
JOBSD_HOST=alpha
JOBSD_JOB=backup
JOBSD_TEXT=backup is late: details
`,
		"daemon": `JOBSD_EVENT=daemon
JOBSD_EVENTS=1
JOBSD_EVENT_ID=s-12
JOBSD_HOST=alpha
JOBSD_TEXT=something about the daemon
`} {
		if got := deliver(t, newTest(long), toCommand(`env | grep ^JOBSD_ | sort`, event(kind))); got.Output != want {
			t.Errorf("%s: got\n%s", kind, got.Output)
		}
	}
}

// TestCommandStdin: a command gets whole lines of the last 64 KiB, and it does not have to read them.
func TestCommandStdin(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	e := withOutput(t, failed(), strings.Repeat(line, 2000))
	got := deliver(t, newTest(long), toCommand("cat >/dev/null; echo read", e))
	if got.Output != "read\n" || got.Error != "" {
		t.Errorf("got %+v", got)
	}
	got = deliver(t, newTest(long), toCommand("wc -c", e))
	n, err := strconv.Atoi(strings.TrimSpace(got.Output))
	if err != nil || n%100 != 0 || n > maxInput || n < maxInput-200 {
		t.Errorf("got %q bytes, %v, want whole lines of 100 bytes, just below 64 KiB", got.Output, err)
	}
	got = deliver(t, newTest(long), toCommand("exec <&-; echo closed", e))
	if got.Output != "closed\n" || got.Error != "" {
		t.Errorf("got %+v", got)
	}
	e.Output.Place.From.At++ // there is no output any more
	got = deliver(t, newTest(long), toCommand("cat; echo end", e))
	if got.Output != "end\n" || got.Error != "" {
		t.Errorf("got %+v", got)
	}
}

// TestCommandOutput: the beginning of what a command prints is kept. The command never waits.
func TestCommandOutput(t *testing.T) {
	got := deliver(t, newTest(long), toCommand("echo out; echo err >&2; dd if=/dev/zero bs=1024 count=1000 2>/dev/null", failed()))
	if got.Error != "" || len(got.Output) != MaxPrinted || !strings.HasPrefix(got.Output, "out\nerr\n") {
		t.Errorf("got %d bytes, error %q", len(got.Output), got.Error)
	}
}

func TestCommandFailures(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"exit 3", "exited 3"},
		{"kill -9 $$", "signaled KILL"},
	} {
		got := deliver(t, newTest(long), toCommand("echo printed; "+test.script, failed()))
		if got.Error != test.want || !got.Final || got.Output != "printed\n" {
			t.Errorf("%s: got %+v, want the error %q", test.script, got, test.want)
		}
	}
	m := toCommand("", failed())
	m.Command.Path, m.Command.Argv = "/nosuch/page", []string{"/nosuch/page"}
	if got := deliver(t, newTest(long), m); got.Error != "cannot start: /nosuch/page does not exist" || !got.Final {
		t.Errorf("got %+v", got)
	}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&spawn.Error{Stage: spawn.StageFork, Errno: syscall.EAGAIN}, true},
		{&spawn.Error{Stage: spawn.StageExec, Errno: syscall.ETXTBSY}, true},
		{&spawn.Error{Stage: spawn.StageExec, Errno: syscall.ENOENT}, false},
		{errors.New("other"), false},
	} {
		if got := exhausted(test.err); got != test.want {
			t.Errorf("%v: another attempt may work: %v", test.err, got)
		}
	}
}

// TestCommandTimeout: a command that takes too long gets TERM, and KILL if it ignores that.
func TestCommandTimeout(t *testing.T) {
	l := long
	l.command = brief
	if got := deliver(t, newTest(l), toCommand("echo begun; exec sleep 1000", failed())); got.Error != "timeout (TERM)" || !got.Final {
		t.Errorf("got %+v", got)
	}
	if got := deliver(t, newTest(l), toCommand("trap 'exit 4' TERM; while :; do sleep 0.01; done", failed())); got.Error != "timeout (exit code 4)" &&
		got.Error != "timeout (TERM)" { // before the trap was set
		t.Errorf("got %+v", got)
	}
	l.grace = brief
	if got := deliver(t, newTest(l), toCommand("trap '' TERM; while :; do sleep 0.01; done", failed())); got.Error != "timeout (KILL)" &&
		got.Error != "timeout (TERM)" {
		t.Errorf("got %+v", got)
	}
}

// TestCommandBackground: what a command leaves in its process group may end by itself. Then it gets TERM, then KILL.
func TestCommandBackground(t *testing.T) {
	got := deliver(t, newTest(long), toCommand("(sleep 0.1; echo late) &", failed()))
	if got.Output != "late\n" || got.Error != "" {
		t.Errorf("got %+v, want what the background process printed", got)
	}
	l := long
	l.group = brief
	got = deliver(t, newTest(l), toCommand("sleep 1000 & echo $!", failed()))
	if alive(t, got.Output) || got.Error != "" {
		t.Errorf("got %+v, want no process that is left", got)
	}
	l.grace = brief
	got = deliver(t, newTest(l), toCommand("sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' & echo $!", failed()))
	if alive(t, got.Output) || got.Error != "" {
		t.Errorf("got %+v, want no process that is left", got)
	}
}

// TestCommandSession: a process in a session of its own lives on, even if it holds the output of the command open.
func TestCommandSession(t *testing.T) {
	if _, err := os.Stat("/usr/bin/setsid"); err != nil {
		t.Skip("needs setsid(1): ", err)
	}
	file := filepath.Join(t.TempDir(), "pid")
	m := toCommand(`setsid sh -c 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 1000' "$FILE" & while [ ! -e "$FILE" ]; do sleep 0.01; done; echo end`, failed())
	m.Command.Env = append(m.Command.Env, "FILE="+file)
	got := deliver(t, newTest(long), m)
	text, err := os.ReadFile(file)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	defer unix.Kill(pid, unix.SIGKILL)
	if got.Output != "end\n" || got.Error != "" || !alive(t, string(text)) {
		t.Errorf("got %+v; the process lives: %v", got, alive(t, string(text)))
	}
}

// alive reports whether a process lives. The text is its number.
func alive(t *testing.T, text string) bool {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return unix.Kill(pid, 0) == nil
}

// TestCommandOfAnotherUser: a command of another user can use its standard input and output by any name.
func TestCommandOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to run a command as another user")
	}
	m := toCommand("id -u; cat; echo more >/dev/stderr; : </dev/stdin", withOutput(t, failed(), "secret output"))
	m.Command.Credential = &spawn.Credential{UID: 65534, GID: 65534}
	m.Command.Dir = "/"
	got := deliver(t, newTest(long), m)
	if got.Error != "" || got.Output != "65534\nsecret output\nmore\n" {
		t.Errorf("got %+v", got)
	}
}
