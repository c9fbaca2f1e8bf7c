package cli

import (
	"bytes"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/man"
)

const manHelp = `jobsd man - show the manual

usage: jobsd man [PAGE]

The pages are jobsd (the program), jobs.d (job files), jobsd-state (the state
file and the journal) and jobsd-control (the control socket); without a name it
is jobsd. On a terminal they are shown by mandoc or man, if there is one; else
their source is printed, for "jobsd man jobs.d > jobs.d.5".
`

func (a *app) man() *cobra.Command {
	cmd := takes(verb("man [PAGE]", manHelp, a.doMan), 0, 1, "page")
	cmd.ValidArgsFunction = only(man.Names())
	return cmd
}

func (a *app) doMan(args []string) error {
	name := "jobsd"
	if len(args) > 0 {
		name = args[0]
	}
	page, ok := man.Page(name)
	if !ok {
		return usage("the pages are "+strings.Join(man.Names(), ", "), "no page is called %q", name)
	}
	if isTerminal(a.out) {
		if viewer := manViewer(); viewer != nil {
			viewer.Stdin, viewer.Stdout, viewer.Stderr = bytes.NewReader(page), os.Stdout, os.Stderr
			return viewer.Run()
		}
	}
	_, err := a.out.Write(page)
	return err
}

// manViewer is a program that shows a page from its standard input, nil if there is none.
func manViewer() *exec.Cmd {
	for _, args := range [][]string{{"mandoc", "-a"}, {"man", "-l", "-"}} {
		if path, err := exec.LookPath(args[0]); err == nil {
			return exec.Command(path, args[1:]...)
		}
	}
	return nil
}
