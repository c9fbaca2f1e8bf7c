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

Opens a copy of the file, or of the one that holds the job, in the editor that
VISUAL or EDITOR names, else vi. What is saved is checked with the whole
directory before it takes the file's place, and a running daemon takes it in at
once. On a mistake it asks, if there is a terminal, whether to edit again. The
file stays as it was while there is a mistake, if the editor fails, and if
somebody else changed it meanwhile; what was written is kept then, and where is
said. Others who add, remove or edit wait until this is done. A symbolic link
is refused: what it leads to can be edited.

  --json  {"file", "changed", "jobs": [{"job", "next_run"}], "reload"}; changed
          tells whether the file is another one now; reload is as with "jobsd
          reload", null without a daemon or a change. The editor writes to
          standard error then
`

func (a *app) edit() *cobra.Command {
	do := func(args []string) error { return a.doEdit(args[0]) }
	cmd := takes(a.reader("edit JOB|FILE", editHelp, do), 1, 1, "job or file")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		jobs, directive := a.completeJob(cmd, args, word)
		if len(args) == 0 { // where no job fits, a file
			directive = cobra.ShellCompDirectiveDefault
		}
		return jobs, directive
	}
	return cmd
}

func (a *app) doEdit(what string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
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

// edited is what edit prints.
type edited struct {
	change
	Changed bool `json:"changed"`
}

func (a *app) tellUnchanged(e *editing) error {
	if a.json {
		return a.printJSON(edited{change: e.site.change(e.name, e.before, nil)})
	}
	fmt.Fprintf(a.err, "jobsd: %s is as it was\n", filepath.Join(e.site.Jobs, e.name))
	return nil
}

// editing is a job file while somebody changes it.
type editing struct {
	*jobsDir
	name   string
	was    []byte
	info   fs.FileInfo
	before []*jobfile.Definition // that the file had; none if it was refused
	copy   string                // for the editor, in a folder of its own, which only its owner can look into
	defs   []*jobfile.Definition // that the file has now; nil: it is as it was
}

// editFile has a person change a file, and returns when it is changed or nothing of it has to be kept.
func (a *app) editFile(s *site, what string) (*editing, error) {
	d, err := a.lockJobs(s)
	if err != nil {
		return nil, err
	}
	defer d.close()
	e := &editing{jobsDir: d}
	files, err := s.loaded().Files()
	if err != nil {
		return nil, err
	}
	if e.name, err = s.fileToEdit(files, what); err != nil {
		return nil, err
	}
	e.before = files[e.name]
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
		os.RemoveAll(filepath.Dir(e.copy))
		return e, err
	}
	return nil, fmt.Errorf("%w\njobsd: %s is as it was; what you wrote is kept in %s",
		err, filepath.Join(s.Jobs, e.name), e.copy)
}

// fileToEdit returns the name of the job file that a job or a file stands for.
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
		return "", fail(exitNoJob, "jobsd add makes one", "there is no job file %s", filepath.Join(s.Jobs, name))
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
	e.copy = filepath.Join(dir, e.name) // with its suffix, by which editors tell what it is
	if err = os.WriteFile(e.copy, e.was, 0o600); err != nil {
		os.RemoveAll(dir)
	}
	return err
}

// untouched tells whether there is nothing of it to be kept.
func (e *editing) untouched() bool {
	text, err := os.ReadFile(e.copy)
	return errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(text, e.was)
}

// change has the copy edited until there is no mistake in it, and returns its text; nil if it is as it was.
func (a *app) change(e *editing) ([]byte, error) {
	for {
		if err := runEditor(e.copy, a.editorOutput()); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(e.copy)
		if err != nil {
			return nil, fmt.Errorf("cannot read what was edited: %w", err)
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
			return nil, errors.New("given up")
		}
	}
}

// editorOutput is where the editor shows itself: not in the midst of JSON.
func (a *app) editorOutput() *os.File {
	if a.json {
		return os.Stderr
	}
	return os.Stdout
}

// runEditor runs the editor, whose name may be a command with arguments. Keys that interrupt are the editor's, not ours
// and not the shell's. What is trapped, and not ignored, is as usual in what is executed.
func runEditor(path string, out *os.File) error {
	editor := cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR"), "vi")
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGQUIT)
	defer signal.Stop(interrupts)
	cmd := exec.Command("/bin/sh", "-c", "trap : INT QUIT; "+editor+` "$@"`, editor, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fail(exitFailed, "VISUAL or EDITOR says which editor to use", "the editor %s failed: %w", editor, err)
	}
	return nil
}

// someoneAt tells whether it is a terminal that can be asked.
func someoneAt(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// editAgain asks what to do about mistakes.
func (a *app) editAgain() bool {
	in := bufio.NewReader(os.Stdin)
	for {
		fmt.Fprint(a.err, "(e)dit again, or (q)uit and leave the file as it was? ")
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

// put gives the file its new text, if it is still what was read.
func (e *editing) put(text []byte) error {
	now, _, err := e.read(e.name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.Equal(now, e.was):
		return errors.New("somebody else has changed the file meanwhile")
	case err != nil:
		return err
	}
	return e.replace(newFile{e.name, text}, e.info)
}
