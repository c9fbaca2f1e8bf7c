// Package examples tests that jobsd accepts every example unchanged.
package examples

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
)

// load reads copies of the job files in dir. The user of the test owns the copies, so that the owner and the umask of
// the checkout do not matter.
func load(t *testing.T, dir, config string, skip ...string) *jobfile.Set {
	t.Helper()
	temp := t.TempDir()
	jobs := filepath.Join(temp, "jobs.d")
	for _, folder := range []string{temp, jobs} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(skip, e.Name()) {
			copyFile(t, filepath.Join(jobs, e.Name()), filepath.Join(dir, e.Name()))
		}
	}
	options := jobfile.Options{Jobs: jobs, Host: "laptop", Now: func() time.Time {
		return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	}}
	if config != "" {
		options.Config = filepath.Join(temp, "jobsd.toml")
		copyFile(t, options.Config, config)
	}
	set := jobfile.NewLoader(options).Load()
	for _, e := range set.Errors {
		t.Error(e)
	}
	if len(set.Ignored) > 0 {
		t.Errorf("%d files in %s are no job files", len(set.Ignored), dir)
	}
	return set
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(set *jobfile.Set) []string {
	var names []string
	for _, j := range set.Jobs {
		names = append(names, j.Def.Name)
	}
	return names
}

func TestJobs(t *testing.T) {
	var skip []string
	if os.Geteuid() != 0 {
		t.Log("without user.toml, which only root may load")
		skip = append(skip, "user.toml")
	}
	set := load(t, "jobs.d", "", skip...)
	if set.Files < 15 || len(set.Jobs) != set.Files+2 {
		t.Errorf("%d jobs in %d files, want one in each and two in several.toml and lock.toml", len(set.Jobs), set.Files)
	}
}

func TestDemo(t *testing.T) {
	set := load(t, "demo/jobs.d", "")
	want := []string{"backup", "flaky", "minutely", "morning", "slow"}
	if got := names(set); !slices.Equal(got, want) {
		t.Errorf("the demo has the jobs %q, want %q", got, want)
	}
}

func TestConfig(t *testing.T) {
	set := load(t, "demo/jobs.d", "jobsd.toml")
	if set.Config.Machine != "laptop" {
		t.Errorf("machine is %q, want laptop", set.Config.Machine)
	}
	for _, j := range set.Jobs {
		if !slices.Contains(j.Def.Env, "LC_ALL=C.UTF-8") {
			t.Errorf("%s has the environment %q, without the default", j.Def.Name, j.Def.Env)
		}
	}
}

// TestUnit checks that the units have the settings that the daemon needs.
func TestUnit(t *testing.T) {
	for unit, own := range map[string][]string{
		"jobsd.service":      {"OOMScoreAdjust=-500", "WantedBy=multi-user.target"},
		"jobsd-user.service": {"WantedBy=default.target"}, // a user may not lower the score
	} {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for _, want := range append(own, "Type=notify", "KillMode=process", "TimeoutStopSec=infinity", "Delegate=yes",
			"OOMPolicy=continue", "TasksMax=infinity", "Restart=always", "ExecReload=/usr/local/bin/jobsd reload") {
			if !slices.Contains(lines, want) {
				t.Errorf("%s has no line %s", unit, want)
			}
		}
	}
}

func TestPlist(t *testing.T) {
	f, err := os.Open("jobsd.plist")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := xml.NewDecoder(f); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
