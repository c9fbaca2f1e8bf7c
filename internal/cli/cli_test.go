package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestHelp compares the hand-written help with the verbs and options of the program.
func TestHelp(t *testing.T) {
	root := (&app{}).command()
	sameOptions(t, root, root.PersistentFlags())
	for _, cmd := range root.Commands() {
		name := cmd.Name()
		if !cmd.Hidden && !strings.Contains(root.Long, "\n  "+name+" ") {
			t.Errorf("%s is not in the help", name)
		}
		if !strings.HasPrefix(cmd.Long, "jobsd "+name+" - ") || !strings.Contains(cmd.Long, "\nusage: jobsd "+name) {
			t.Errorf("the help of %s has the wrong beginning: %q", name, cmd.Long)
		}
		sameOptions(t, cmd, cmd.LocalNonPersistentFlags())
	}
}

// TestVerbsDescribed fails if jobsd(8) or the table in README.md does not have a verb, and if the synopsis of jobsd(8) does
// not have an option.
func TestVerbsDescribed(t *testing.T) {
	read := func(file, from string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(text), from)
		return section
	}
	readme, _, _ := strings.Cut(read("../../README.md", "\n## Verbs\n"), "\n## ")
	page := read("../../man/jobsd.8", "\n.Sh SYNOPSIS\n")
	synopsis, page, _ := strings.Cut(page, "\n.Sh DESCRIPTION\n")
	keys := map[string]bool{}
	for _, o := range keyOptions(nil) {
		keys[o.name] = true
	}
	for _, cmd := range visible((&app{}).command()) {
		name := cmd.Name()
		if !regexp.MustCompile("(?m)^\\| .*`" + name + "\\b").MatchString(readme) {
			t.Errorf("the table of verbs in README.md does not have %s", name)
		}
		if !regexp.MustCompile(`(?m)^\.It Cm ` + name + `\b`).MatchString(page) {
			t.Errorf("man/jobsd.8, VERBS, does not have %s: no line begins with .It Cm %[1]s", name)
		}
		usage := ""
		for _, part := range strings.Split(synopsis, ".Nm\n") {
			if regexp.MustCompile(`(?m)^\.Cm ` + name + `\b`).MatchString(part) {
				usage += part
			}
		}
		if usage == "" {
			t.Errorf("man/jobsd.8, SYNOPSIS, does not have %s: no line is .Cm %[1]s", name)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			option := strings.TrimPrefix(spelled(f), "-")
			switch isKey := keys[f.Name] && (name == "add" || name == "next"); { // the synopsis does not list keys
			case f.Hidden || usage == "" || isKey:
			case !regexp.MustCompile(`\bFl ` + option + `\b`).MatchString(usage):
				t.Errorf("man/jobsd.8, SYNOPSIS: %s lacks Fl %s", name, option)
			}
		})
	}
}

// TestHelpWidth checks that all help fits a terminal of 80 columns, including that of subcommands.
func TestHelpWidth(t *testing.T) {
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		for line := range strings.SplitSeq(cmd.Long, "\n") {
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("the help of %q has a line of %d characters: %q", cmd.CommandPath(), n, line)
			}
		}
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look((&app{}).command())
}

// sameOptions compares the options of a command with its help.
func sameOptions(t *testing.T, cmd *cobra.Command, flags *pflag.FlagSet) {
	t.Helper()
	_, usage, _ := strings.Cut(cmd.Long, "\nusage: ")
	usage, options, _ := strings.Cut(usage, "\n\n")
	keys := map[string]bool{} // the manual describes these
	if cmd.Name() == "add" {
		for _, o := range keyOptions(nil) {
			keys[o.name] = true
		}
		for _, o := range usualKeys {
			if !keys[o.name] {
				t.Errorf("the help of add describes --%s, which does not exist", o.name)
			}
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		name := spelled(f)
		switch {
		case f.Hidden || cmd.Hidden:
		case f.Usage == "":
			t.Errorf("a shell has no description of %s of %s", name, cmd.Name())
		case !keys[f.Name] && !strings.Contains("\n"+options, "\n  "+name+" "):
			t.Errorf("the help of %s does not describe %s", cmd.Name(), name)
		case !keys[f.Name] && cmd.HasParent() && !strings.Contains(usage, name):
			t.Errorf("the usage of %s does not mention %s", cmd.Name(), name)
		}
	})
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
		{fmt.Errorf("cannot y: %w", statefile.ErrOlder), 7, "hint: keep that directory"},
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
	rebooted := me
	rebooted.BootID = "of another boot"
	nobody := statefile.Daemon{BootID: me.BootID}
	for _, d := range []statefile.Daemon{stranger, rebooted, nobody} {
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

// TestReadOnlyHint checks the hint for a read-only file system, as in a container.
func TestReadOnlyHint(t *testing.T) {
	err := fmt.Errorf("cannot make a directory for the daemon: %w", &fs.PathError{Op: "mkdir", Path: "/var/lib/jobsd", Err: syscall.EROFS})
	if hint := hintFor(err); !strings.Contains(hint, "--root DIR") {
		t.Errorf("hint: %q", hint)
	}
}
