package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jobsd/internal/jobfile"
)

// isDirectory reports whether path is a directory. A path that does not exist counts as a file.
func isDirectory(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// checkFiles checks each file by itself and prints the result.
func (a *app) checkFiles(s *site, paths []string) error {
	c := checked{Files: len(paths), Errors: []mistake{}, Warnings: []mistake{}, ReadOnly: []string{}, Ignored: []string{}}
	var wrong []*jobfile.Error
	for _, path := range paths {
		defs, warned, errs := s.checkFile(path)
		c.Jobs += len(defs)
		c.Warnings = append(c.Warnings, warned...)
		wrong = append(wrong, jobfile.Mistakes(errs...)...)
	}
	for _, e := range wrong {
		c.Errors = append(c.Errors, mistakeOf(e))
	}
	var err error
	if a.json {
		err = a.printJSON(c)
	} else {
		for _, e := range wrong {
			fmt.Fprintln(a.out, e)
		}
		writeWarnings(a.out, c.Warnings)
		fmt.Fprintln(a.out, c.total())
	}
	if err == nil && len(wrong) > 0 {
		err = notWell
	}
	return err
}

// checkFile checks a job file or jobsd.toml. It recognizes jobsd.toml by its name, also in the name of a temporary file.
func (s *site) checkFile(path string) (defs []*jobfile.Definition, warned []mistake, errs []error) {
	if strings.HasPrefix(strings.TrimLeft(filepath.Base(path), "."), "jobsd.toml") {
		config, err := jobfile.CheckConfig(path)
		if err != nil {
			return nil, nil, []error{err}
		}
		for _, doubt := range config.Doubts(false) {
			warned = append(warned, mistake{File: path, Key: doubt.Key, Message: doubt.Text})
		}
		return nil, warned, nil
	}
	defs, errs = jobfile.ReadFile(path, s.config)
	host := s.config.Machine
	if host == "" {
		host, _ = os.Hostname()
	}
	warned = s.jobWarnings(defs, host)
	for i := range warned {
		warned[i].File = path
	}
	return defs, warned, errs
}
