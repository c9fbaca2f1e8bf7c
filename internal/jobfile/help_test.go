package jobfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jobsd/internal/machine"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const passwd = `root:x:0:0:root:/root:/bin/bash
# alice:x:1:1::/:
alice:x:1000:1000:Alice:/home/alice:/bin/zsh
bob:x:1001:100::/home/bob:/bin/sh
broken:x:many:100::/:/bin/sh
short:x:7
`

const groups = `root:x:0:
users:x:100:alice
staff:x:50:alice,bob
alice:x:1000:
`

// someHost is a host with invented facts. The daemon runs as uid.
func someHost(tb testing.TB, uid int) *host {
	dir := tb.TempDir()
	p, g := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	write(tb, p, passwd)
	write(tb, g, groups)
	utc := machine.ReadZone(func(string) (string, bool) { return "", true }, "")
	return newHost(machine.For(uid, machine.ReadAccounts(p, g), utc), noon)
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// safeDir makes a trusted directory, whatever the umask.
func safeDir(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "jobs.d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	chmod(tb, dir, 0o755)
	return dir
}

// put writes a trusted file, whatever the umask.
func put(tb testing.TB, dir, name, text string) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	write(tb, path, text)
	chmod(tb, path, 0o644)
	return path
}

func chmod(tb testing.TB, path string, mode os.FileMode) {
	tb.Helper()
	if err := os.Chmod(path, mode); err != nil {
		tb.Fatal(err)
	}
}

// parseAs parses text as a file with that name.
func parseAs(tb testing.TB, h *host, file, text string) ([]*Definition, []error) {
	tb.Helper()
	return h.parseStrictly(newSource(file, "/etc/jobs.d", text), file, nil)
}

// only parses a valid file with one job.
func only(tb testing.TB, file, text string) *Definition {
	tb.Helper()
	defs, errs := parseAs(tb, someHost(tb, 0), file, text)
	if errs != nil || len(defs) != 1 {
		tb.Fatalf("%s\n%d jobs, errors: %v", text, len(defs), errs)
	}
	return defs[0]
}

// lines joins errors, one on each line.
func lines(errs []error) string {
	var all []string
	for _, err := range errs {
		all = append(all, err.Error())
	}
	return strings.Join(all, "\n")
}
