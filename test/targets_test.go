package test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestURLsStayHome: neither a file of the daemon nor a verb shows a URL of a target or the heartbeat, its headers, or what the receiver
// answered, and no command line has them.
func TestURLsStayHome(t *testing.T) {
	t.Parallel()
	const canary = "xyzzy"
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+canary || !strings.Contains(r.URL.Path, canary) {
			t.Errorf("the receiver got %s with the headers %v", r.URL, r.Header)
		}
		w.Header().Set("X-Secret", canary)
		if strings.HasSuffix(r.URL.Path, "/moved") {
			w.Header().Set("Location", "http://"+canary+".invalid/")
			w.WriteHeader(http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintln(w, canary)
	}))
	defer receiver.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent.Close() // nothing listens at this address any more

	s := newServer(t)
	secret := func(name, text string) string {
		path := filepath.Join(s.root, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	headers := secret("headers", "Authorization: Bearer "+canary+"\n")
	targets := map[string]string{
		"gone":    fmt.Sprintf("url = %q\nheaders_file = %q\npreset = \"slack\"", receiver.URL+"/"+canary, headers),
		"moved":   fmt.Sprintf("url_file = %q\nheaders_file = %q\npreset = \"ntfy\"", secret("moved", receiver.URL+"/"+canary+"/moved\n"), headers),
		"silent":  fmt.Sprintf("url = \"http://user:%s@%s/%[1]s?token=%[1]s\"", canary, silent.Addr()),
		"invalid": fmt.Sprintf("url_file = %q", secret("invalid", canary+"://"+canary+"/%zz\n")),
		"unnamed": fmt.Sprintf("url = \"http://%s.invalid/\"\nheaders_file = %q", canary, secret("broken", canary+" "+canary+"\n")),
	}
	settings := fmt.Sprintf("[heartbeat]\nurl = \"http://%s/%s\"\nheaders_file = %q\n", silent.Addr(), canary, headers)
	var names []string
	for name, table := range targets {
		settings += "[notify." + name + "]\n" + table + "\n"
		names = append(names, fmt.Sprintf("%q", name))
	}
	secret("jobsd.toml", settings)
	s.writeJobs("fails.toml", "cmd = [\"false\"]\nnotify = {to = ["+strings.Join(names, ", ")+"]}\n")
	s.wrap = []string{"sh", "-c", `exec "$@" --log-level=debug`, "sh"}
	s.startReady()
	s.command("start", "--wait", "fails").Run() // fails like the job
	s.waitState("all targets and the heartbeat to fail", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == len(targets)+1
	})

	look := func(what string, text []byte) {
		t.Helper()
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s has a secret:\n%s", what, text)
		}
	}
	commandLines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commandLines {
		text, _ := os.ReadFile(path) // the process may have ended
		if bytes.Contains(text, []byte(s.root)) || bytes.Contains(text, []byte("jobsd")) {
			look(path, text)
		}
	}
	if runtime.GOOS == "linux" {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", delivererOf(s.daemonPID())))
		if err != nil || len(environ) == 0 {
			t.Errorf("cannot read the environment of the process that delivers notifications: %v", err)
		}
		look("its environment", environ)
	}
	for _, line := range []string{"show fails", "check", "check --json", "list", "list --json", "status", "status --json", "reload", "history fails",
		"history --json fails", "logs fails", "schema jobsd.toml", "notify test gone", "notify test moved", "notify test --json silent",
		"notify test invalid", "notify test unnamed", "__complete notify test ''"} {
		out, _ := s.command(strings.Fields(line)...).CombinedOutput() // many exit with 1, because something is wrong
		if len(out) == 0 {
			t.Errorf("jobsd %s printed nothing", line)
		}
		look("the output of jobsd "+line, out)
	}
	s.terminate()
	looked := 0
	filepath.WalkDir(s.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if dir, name := filepath.Split(path); dir == s.root+"/" && name != "daemon.log" {
			return nil // the settings and the files that they name
		}
		looked++
		text, err := os.ReadFile(path)
		look(path, text)
		return err
	})
	if looked < 4 { // the daemon's log, the job's log, the state and the journal
		t.Errorf("looked at %d files, want at least 4", looked)
	}
}
