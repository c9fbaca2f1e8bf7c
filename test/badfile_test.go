package test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestA29HalfWrittenFile: a job file is half written when the daemon reloads. Its job continues under the last good
// version. With -long, the file is cut at each byte, as TestA29FileCutAtEachByte of internal/jobfile does without a
// daemon.
func TestA29HalfWrittenFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	text := "# a service\n[[jobs]]\nname = \"web\"\nkeep_alive = true\nenv.TEXT = \"Größe\"\nshell = '''\nsleep 1000\n'''\n"
	whole := len(text) - 1 // a file without its last newline is complete
	s.writeJobs("half.toml", text)
	s.startReady()
	s.waitState("the service to run", func(state *statefile.State) bool { return len(state.Jobs["web"].Running) == 1 })
	pid := s.waitProcesses("web", 2)
	fds := s.restingDescriptors()
	place := regexp.MustCompile(`^half\.toml:\d+:\d+: `)
	check := func(what string, refused bool) {
		t.Helper()
		state := s.reloadByHUP()
		j := state.Jobs["web"]
		if errs := state.Daemon.Reload.Errors; (len(errs) > 0) != refused || refused && !place.MatchString(errs[0]) {
			t.Errorf("%s: got errors %q, want errors: %t", what, errs, refused)
		}
		if j == nil || len(j.Running) != 1 || j.Runs != 1 || j.Stale != refused || refused && (j.Error == nil || !place.MatchString(*j.Error)) {
			t.Fatalf("%s: got %+v, want one run, stale: %t", what, j, refused)
		}
		if now := s.waitProcesses("web", 2); fmt.Sprint(now) != fmt.Sprint(pid) {
			t.Fatalf("%s: got the processes %d, want %d", what, now, pid)
		}
	}
	step := 11
	if *long {
		step = 1
	}
	for cut := 0; cut < whole; cut += step {
		s.writeJobs("half.toml", text[:cut])
		check(fmt.Sprintf("cut at %d", cut), true)
	}
	s.writeJobs("half.toml", text[:whole])
	check("without the last newline", false)

	droppings := []string{".half.toml.swp", "half.toml~", "half.toml.rpmnew", ".#half.toml"}
	for _, name := range droppings[:3] {
		s.writeJobs(name, "this is not a job file [[[")
	}
	if err := os.Symlink("somebody@somewhere.1234", filepath.Join(s.root, "jobs.d", droppings[3])); err != nil {
		t.Fatal(err)
	}
	check("with droppings", false)
	if s.waitLogged("reloaded:", fmt.Sprintf("%d ignored", len(droppings))) != 1 {
		t.Error("the log does not say how many files were ignored")
	}
	s.checkSound(fds, "web")
	s.terminate()
}

// TestA32IrregularFiles: a FIFO, a socket, a device or a directory does not delay a load, and is reported by name.
func TestA32IrregularFiles(t *testing.T) {
	s := newServer(t)
	path := func(name string) string { return filepath.Join(s.root, "jobs.d", name) }
	s.writeJobs("good.toml", "cmd = [\"true\"]\n")
	s.startReady()
	fds := s.restingDescriptors()
	want := map[string]string{"pipe.toml": "is a FIFO", "folder.toml": "is a directory", "null.toml": "to a character device"}
	err := errors.Join(syscall.Mkfifo(path("pipe.toml"), 0o644), os.Mkdir(path("folder.toml"), 0o755), os.Symlink("/dev/null", path("null.toml")))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("unix", path("sock.toml")); err != nil {
		t.Log("without a socket: ", err) // the path may be too long
	} else {
		defer l.Close()
		want["sock.toml"] = "is a socket"
	}
	if err := exec.Command("mknod", path("device.toml"), "c", "1", "5").Run(); err != nil {
		t.Log("without a device: ", err) // only root can make a device
	} else {
		want["device.toml"] = "is a character device"
	}
	s.writeJobs("later.toml", "cmd = [\"true\"]\n")
	state := s.reloadByHUP()
	if state.Jobs["good"] == nil || state.Jobs["later"] == nil || len(state.Jobs) != 2 || len(state.Daemon.Reload.Errors) != len(want) {
		t.Errorf("got %d jobs and the errors %q, want 2 jobs and %d errors", len(state.Jobs), state.Daemon.Reload.Errors, len(want))
	}
	for name, what := range want {
		found := false
		for _, err := range state.Daemon.Reload.Errors {
			found = found || strings.HasPrefix(err, name+": ") && strings.Contains(err, what)
		}
		if !found {
			t.Errorf("no error says that %s %s: got %q", name, what, state.Daemon.Reload.Errors)
		}
	}
	s.jobsd("start", "--wait", "later")
	s.checkSound(fds)
	s.terminate()
}

// TestA33HugeAndOddFiles: files that are too large or nested too deep are refused, odd but valid ones are read, and the
// daemon needs little memory. With -long, there are ten thousand other files.
func TestA33HugeAndOddFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("good.toml", "cmd = [\"true\"]\n")
	s.startReady()
	fds := s.restingDescriptors()
	many := 1000
	if *long {
		many = 10_000
	}
	for n := range many {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf("cmd = [\"true\", \"%d\"]\n", n))
	}
	full := func(begin, with, end string) string {
		return begin + strings.Repeat(with, (1<<20-len(begin)-len(end))/len(with)) + end
	}
	files := []struct{ name, text, why string }{ // why: the error, or "" if the file is accepted
		{"sparse.toml", "", "is larger than 1 MiB"},
		{"string.toml", full("cmd = [\"true\"]\ndescription = \"", "x", "\"\n"), ""},
		{"more.toml", full("cmd = [\"true\"]\ndescription = \"", "x", "\"\n") + "\n", "is larger than 1 MiB"},
		{"lists.toml", full("cmd = ", "[", ""), "nested too deep"},
		{"tables.toml", full("cmd = ", "{a = ", ""), "nested too deep"},
		{"keys.toml", full("", "a.", "b = 1"), "nested too deep"},
		{"lists.json", full("", "[", ""), "exceeded max depth"},
		{"objects.json", full("", `{"a":`, ""), "exceeded max depth"},
		{"utf8.toml", "cmd = [\"true\"]\ndescription = \"\xff\"\n", "is not UTF-8"},
		{"utf8.json", "{\"cmd\": [\"true\"], \"description\": \"\xff\"}", "is not UTF-8"},
		{"bom.toml", "\ufeffcmd = [\"true\"]\n", ""},
		{"bom.json", "\ufeff{\"cmd\": [\"true\"]}", ""},
		{"crlf.toml", "cmd = [\"true\"]\r\nshell_is = 'not'\r\n", "2:1: shell_is"},
		{"lines.toml", "cmd = [\"true\"]\r\ndescription = '''a\r\nb'''\r\n", ""},
	}
	good := many + 1
	for _, f := range files {
		name, ext, _ := strings.Cut(f.name, ".")
		s.writeJobs(name+"_"+ext+"."+ext, f.text)
		if f.why == "" {
			good++
		}
	}
	if err := os.Truncate(filepath.Join(s.root, "jobs.d", "sparse_toml.toml"), 1<<30); err != nil {
		t.Fatal(err)
	}
	state := s.reloadByHUP()
	if len(state.Jobs) != good {
		t.Errorf("got %d jobs, want %d", len(state.Jobs), good)
	}
	for _, f := range files {
		name, ext, _ := strings.Cut(f.name, ".")
		why := ""
		for _, err := range state.Daemon.Reload.Errors {
			if strings.HasPrefix(err, name+"_"+ext+".") {
				why = err
			}
		}
		if (why != "") != (f.why != "") || !strings.Contains(why, f.why) || (state.Jobs[name+"_"+ext] != nil) != (f.why == "") {
			t.Errorf("%s: got the error %.200q, want %q", f.name, why, f.why)
		}
	}
	t.Logf("%d files, peak RSS %.1f MB", many+len(files), float64(s.checkMemory())/1024)
	s.jobsd("start", "--wait", "bom_json")
	s.checkSound(fds)
	s.terminate()
}
