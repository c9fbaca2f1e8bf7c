package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestHelp holds the hand-written texts against the verbs and options that there are.
func TestHelp(t *testing.T) {
	root := (&app{}).command()
	for _, flag := range []string{"root", "user", "system", "config", "jobs-dir", "state-dir", "log-dir", "run-dir"} {
		if root.PersistentFlags().Lookup(flag) == nil || !strings.Contains(rootHelp, "--"+flag) {
			t.Errorf("--%s is not there or not in the help", flag)
		}
	}
	for _, cmd := range root.Commands() {
		name := cmd.Name()
		if !cmd.Hidden && !strings.Contains(rootHelp, "\n  "+name+" ") {
			t.Errorf("%s is not in the help", name)
		}
		if !strings.HasPrefix(cmd.Long, "jobsd "+name+" - ") || !strings.Contains(cmd.Long, "\nusage: jobsd "+name) {
			t.Errorf("the help of %s does not begin as it should: %q", name, cmd.Long)
		}
		for _, word := range options(cmd) {
			if !strings.Contains(cmd.Long, "\n  "+word) && !strings.Contains(cmd.Long, "["+word) {
				t.Errorf("the help of %s does not tell %s", name, word)
			}
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			if len(line) > 120 {
				t.Errorf("the help of %s has a line of %d characters: %q", name, len(line), line)
			}
		}
	}
}

// options are the flags of a verb as they are typed, cobra's usage text having a line for each that is not hidden.
func options(cmd *cobra.Command) []string {
	var words []string
	for _, line := range strings.Split(cmd.LocalNonPersistentFlags().FlagUsages(), "\n") {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word != "" {
			words = append(words, strings.TrimSuffix(word, ","))
		}
	}
	return words
}

func TestReport(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}
	for _, test := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("cannot x: why"), 1, "jobsd: cannot x: why\n"},
		{notWell, 1, ""},
		{usage("try y", "no %q", "x"), 2, "jobsd: no \"x\"\nhint: try y\n"},
		{noJob("bakcup", []string{"backup"}), 3, "jobsd: no job is called \"bakcup\"\nhint: did you mean \"backup\"?\n"},
		{noJob("x", []string{"backup"}), 3, "jobsd: no job is called \"x\"\nhint: jobsd list shows the jobs\n"},
		{fmt.Errorf("cannot y: %w", denied), 4, "hint: only root"},
		{fmt.Errorf("cannot y: %w", statefile.ErrHeld), 6, "jobsd: cannot y: "},
		{fmt.Errorf("cannot y: %w", statefile.ErrNewer), 7, "hint: a newer jobsd"},
	} {
		var b bytes.Buffer
		if code := report(&b, test.err); code != test.code || !strings.Contains(b.String(), test.want) {
			t.Errorf("%v: got %d, %q, want %d, %q", test.err, code, b.String(), test.code, test.want)
		}
		if test.want == "" && b.Len() > 0 {
			t.Errorf("%v: got %q, want silence", test.err, b.String())
		}
	}
}

func TestAlive(t *testing.T) {
	start, err := spawn.StartTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	me := statefile.Daemon{PID: os.Getpid(), PIDStart: start, BootID: spawn.BootID()}
	if !alive(&me) {
		t.Error("this process is not alive")
	}
	stranger := me
	stranger.PIDStart++
	before := me
	before.BootID = "of another boot"
	nobody := statefile.Daemon{BootID: me.BootID}
	for _, d := range []statefile.Daemon{stranger, before, nobody} {
		if alive(&d) {
			t.Errorf("alive: %+v", d)
		}
	}
}

func TestReloadSummary(t *testing.T) {
	for want, r := range map[string]reloadResult{
		"nothing changed":                        {},
		"1 refused":                              {Refused: 1},
		"3 new, 1 changed, 1 removed, 1 refused": {New: 3, Changed: 1, Removed: 1, Refused: 1},
	} {
		if got := r.summary(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
