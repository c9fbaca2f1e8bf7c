package cli

import (
	"errors"
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
	var lines []string
	for _, path := range paths {
		defs, warned, errs := s.checkFile(path)
		c.Jobs += len(defs)
		c.Warnings = append(c.Warnings, warned...)
		for _, err := range errs {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				lines = append(lines, line)
				c.Errors = append(c.Errors, mistakeOf(line))
			}
		}
	}
	var err error
	if a.json {
		err = a.printJSON(c)
	} else {
		for _, line := range lines {
			fmt.Fprintln(a.out, line)
		}
		writeWarnings(a.out, c.Warnings)
		fmt.Fprintln(a.out, c.total())
	}
	if err == nil && len(lines) > 0 {
		err = notWell
	}
	return err
}

// checkFile checks a job file or jobsd.toml. It recognizes jobsd.toml by its name, also in the name of a temporary file.
func (s *site) checkFile(path string) (defs []*jobfile.Definition, warned []mistake, errs []error) {
	if strings.HasPrefix(strings.TrimLeft(filepath.Base(path), "."), "jobsd.toml") {
		config, err := jobfile.CheckConfig(path)
		if err != nil {
			if list, ok := errors.AsType[jobfile.Errors](err); ok {
				return nil, nil, list
			}
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
