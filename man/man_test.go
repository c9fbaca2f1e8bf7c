package man

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	want := []string{"jobs.d", "jobsd", "jobsd-control", "jobsd-state"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
}

func TestPage(t *testing.T) {
	for _, name := range []string{"jobsd", "jobsd.8", "jobs.d", "jobs.d.5", "jobsd-state", "jobsd-state.5", "jobsd-control.7"} {
		page, ok := Page(name)
		if !ok || !bytes.Contains(page, []byte("\n.Sh NAME\n")) {
			t.Errorf("Page(%q) = %d bytes, %t: not a manual page", name, len(page), ok)
		}
	}
	for _, name := range []string{"", "jobsd.", "jobs", "jobsd.5", "man.go"} {
		if _, ok := Page(name); ok {
			t.Errorf("Page(%q) was found", name)
		}
	}
}

func TestLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, name := range Names() {
		page, _ := Page(name)
		lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
		lint.Stdin = bytes.NewReader(page)
		if out, err := lint.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, strings.TrimSpace(string(out)))
		}
	}
}
