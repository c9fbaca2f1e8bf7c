package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/man"
)

const manHelp = `jobsd man - show jobsd(8), jobs.d(5), jobsd-state(5) or jobsd-control(7)

usage: jobsd man [--source] [PAGE]

Shows a page of the manual: jobsd (the program), jobs.d (job files), jobsd-state
(the state file and the journal) or jobsd-control (the control socket). The
default is jobsd. On a terminal, mandoc or man shows the page if one of them is
installed. Otherwise, as in "jobsd man | less", it is plain text.
`

func (a *app) man() *cobra.Command {
	var source bool
	takes := arguments{0, 1, "page", only(man.Names())}
	return a.verb(manHelp, takes, func(args []string) error { return a.doMan(args, source) },
		opt("source", nothing, &source, "print the mdoc source, as in: jobsd man --source jobsd > jobsd.8"))
}

func (a *app) doMan(args []string, source bool) error {
	name := "jobsd"
	if len(args) > 0 {
		name = args[0]
	}
	page, ok := man.Page(name)
	if !ok {
		return usage("the pages are "+strings.Join(man.Names(), ", "), "no page is called %q", name)
	}
	if source {
		_, err := a.out.Write(page)
		return err
	}
	if isTerminal(a.out) {
		if viewer := manViewer(); viewer != nil {
			viewer.Stdin, viewer.Stdout, viewer.Stderr = bytes.NewReader(page), os.Stdout, os.Stderr
			if err := viewer.Run(); err == nil {
				return nil
			}
		}
	}
	text, _ := man.Text(name)
	_, err := io.WriteString(a.out, text)
	return err
}

// manViewer is a command that shows a page from its standard input, nil if no such program is installed.
func manViewer() *exec.Cmd {
	for _, args := range [][]string{{"mandoc", "-a"}, {"man", "-l", "-"}} {
		if path, err := exec.LookPath(args[0]); err == nil {
			return exec.Command(path, args[1:]...)
		}
	}
	return nil
}
