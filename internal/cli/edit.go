package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
)

const editHelp = `jobsd edit - change a job file in an editor

usage: jobsd edit [--json] JOB|FILE

Opens a copy of the file, or of the file of the job, in the editor that VISUAL
or EDITOR names, or else in vi. Checks the saved copy together with all other
job files, then replaces the file with it; a running daemon loads it at once. If
there is a mistake, it asks, on a terminal, whether to edit again. The file does
not change while there is a mistake, if the editor fails, or if somebody else
has changed the file; jobsd then keeps the edited text and prints where. Others
who add, remove or edit wait until you are done. A symbolic link is refused:
edit its target.
`

func (a *app) edit() *cobra.Command {
	takes := arguments{1, 1, "job or file", func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		jobs, directive := a.completeJob(cmd, args, word)
		if len(args) == 0 { // if no job matches, complete a file
			directive = cobra.ShellCompDirectiveDefault
		}
		return jobs, directive
	}}
	return a.verb(editHelp, takes, a.here(func(s *site, args []string) error { return a.doEdit(s, args[0]) }),
		a.jsonOption(`print {"file", "changed", "jobs": [{"job", "next_run"}], "reload"}; changed says whether the file has changed;
			`+reloadJSON+` or a change. The editor then writes to standard error`))
}

func (a *app) doEdit(s *site, what string) error {
	e, err := a.editFile(s, what)
	if err != nil {
		return err
	}
	if e.defs == nil {
		return a.tellUnchanged(e)
	}
	r, err := s.takeIn()
	if a.json {
		return cmp.Or(a.printJSON(edited{s.change(e.name, e.defs, r), true}), err, r.refusal(e.name))
	}
	return a.tellChange(s, e.name, e.defs, r, err)
}

// edited is the JSON of edit.
type edited struct {
	change
	Changed bool `json:"changed"`
}

func (a *app) tellUnchanged(e *editing) error {
	if a.json {
		return a.printJSON(edited{change: e.site.change(e.name, e.jobs, nil)})
	}
	fmt.Fprintf(a.err, "jobsd: %s is unchanged\n", filepath.Join(e.site.Jobs, e.name))
	return nil
}

// editing is a job file while somebody changes it.
type editing struct {
	*jobsDir
	name string
	was  []byte
	info fs.FileInfo
	jobs []*jobfile.Definition // of the file before the change; none if the file was refused
	temp string                // the copy for the editor, in a directory that only its owner can read
	defs []*jobfile.Definition // of the file after the change; nil: the file is unchanged
}

// editFile lets a person change a file. It removes the copy unless the copy has changes that are not in the file.
func (a *app) editFile(s *site, what string) (*editing, error) {
	d, err := a.lockJobs(s)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	e := &editing{jobsDir: d}
	files, err := s.loaded().Files()
	if err != nil {
		return nil, err
	}
	if e.name, err = s.fileToEdit(files, what); err != nil {
		return nil, err
	}
	e.jobs = files[e.name]
	if e.was, e.info, err = d.read(e.name); err != nil {
		return nil, err
	}
	if err := e.makeCopy(); err != nil {
		return nil, fmt.Errorf("cannot make a copy to edit: %w", err)
	}
	text, err := a.change(e)
	if err == nil && text != nil {
		err = e.put(text)
	}
	if err == nil || e.untouched() {
		os.RemoveAll(filepath.Dir(e.temp))
		return e, err
	}
	return nil, fmt.Errorf("%w\njobsd: %s is unchanged; your text is kept in %s",
		err, filepath.Join(s.Jobs, e.name), e.temp)
}

// fileToEdit returns the name of a job file, given the job or the file.
func (s *site) fileToEdit(files map[string][]*jobfile.Definition, what string) (string, error) {
	name, err := s.fileOf(files, what)
	if codeOf(err) != exitNoJob || !isFile(what) {
		return name, err
	}
	name = filepath.Base(what)
	if strings.Contains(what, "/") && !samePlace(filepath.Dir(what), s.Jobs) {
		return "", usage("", "%s is not in the jobs directory %s", what, s.Jobs)
	}
	if _, ok := files[name]; !ok {
		return "", fail(exitNoJob, "make it with jobsd add", "there is no job file %s", filepath.Join(s.Jobs, name))
	}
	return name, nil
}

func samePlace(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

func (e *editing) makeCopy() error {
	dir, err := os.MkdirTemp("", "jobsd-edit-")
	if err != nil {
		return err
	}
	e.temp = filepath.Join(dir, e.name) // with its suffix, so that editors recognize the format
	if err = os.WriteFile(e.temp, e.was, 0o600); err != nil {
		os.RemoveAll(dir)
	}
	return err
}

// untouched reports whether the copy has no changes.
func (e *editing) untouched() bool {
	text, err := os.ReadFile(e.temp)
	return errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(text, e.was)
}

// change runs the editor until the copy has no mistakes, and returns its text; nil if it is unchanged.
func (a *app) change(e *editing) ([]byte, error) {
	for {
		if err := runEditor(e.temp, a.editorOutput()); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(e.temp)
		if err != nil {
			return nil, fmt.Errorf("cannot read the edited text: %w", err)
		}
		if bytes.Equal(text, e.was) {
			return nil, nil
		}
		e.defs, err = e.site.try([]newFile{{e.name, text}})
		if err == nil {
			return text, nil
		}
		if !someoneAt(os.Stdin) {
			return nil, err
		}
		fmt.Fprintln(a.err, err)
		if !a.editAgain() {
			return nil, errors.New("not saved")
		}
	}
}

// editorOutput is the standard output of the editor. It must not mix with JSON.
func (a *app) editorOutput() *os.File {
	if a.json {
		return os.Stderr
	}
	return os.Stdout
}

// runEditor runs the editor, whose name may be a command with arguments. Only the editor reacts to the interrupt keys, not
// jobsd and not the shell. The shell traps the signals instead of ignoring them, because the editor would inherit ignored
// signals.
func runEditor(path string, out *os.File) error {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGQUIT)
	defer signal.Stop(interrupts)
	cmd := exec.Command("/bin/sh", "-c", "trap : INT QUIT; "+editor+` "$@"`, editor, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fail(exitFailed, "set VISUAL or EDITOR to another editor", "the editor %s failed: %w", editor, err)
	}
	return nil
}

// someoneAt reports whether f is a terminal.
func someoneAt(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// editAgain asks whether to edit again.
func (a *app) editAgain() bool {
	in := bufio.NewReader(os.Stdin)
	for {
		fmt.Fprint(a.err, "(e)dit again, or (q)uit and leave the file unchanged? ")
		line, err := in.ReadString('\n')
		switch strings.TrimSpace(line) {
		case "e":
			return true
		case "q":
			return false
		}
		if err != nil {
			fmt.Fprintln(a.err)
			return false
		}
	}
}

// put writes the new text to the file, unless somebody else has changed the file.
func (e *editing) put(text []byte) error {
	now, _, err := e.read(e.name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.Equal(now, e.was):
		return errors.New("somebody else has changed the file in the meantime")
	case err != nil:
		return err
	}
	return e.replace(newFile{e.name, text}, e.info)
}
