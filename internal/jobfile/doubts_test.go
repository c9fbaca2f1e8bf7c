package jobfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoubts checks probable mistakes, and valid jobs that resemble them.
func TestDoubts(t *testing.T) {
	dir := t.TempDir()
	spaced := filepath.Join(dir, "my tool")
	plain := filepath.Join(dir, "plain")
	for name, mode := range map[string]os.FileMode{spaced: 0o755, plain: 0o644} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ text, want string }{
		{`cmd = ["/bin/echo backup --all"]`, `cmd: this is the name of one program, with blanks in it: write ["/bin/echo", "backup", "--all"]`},
		{`cmd = ["echo $HOME > /tmp/x"]`, `cmd: this runs without a shell, so it is the name of one program: write shell = ... instead of a list`},
		{`cmd = ["` + spaced + `"]`, ``},
		{`cmd = ["/bin/sh", "-c", "echo $HOME | cat > /dev/null && rm /tmp/*"]`, ``},
		{`shell = "echo $HOME | cat"`, ``},
		{`cmd = ["/bin/echo", "a", "|", "mail", "root"]`, `cmd: this runs without a shell, so "|" is an ordinary argument: write it as shell = "..."`},
		{`cmd = ["/bin/echo", "a", ">>", "/tmp/x"]`, `so ">>" is an ordinary argument`},
		{`cmd = ["/bin/echo", "a", "2>&1"]`, `so "2>&1" is an ordinary argument`},
		{`cmd = ["/bin/echo", "a", "2>/dev/null"]`, `so "2>/dev/null" is an ordinary argument`},
		{`cmd = ["/bin/true", "&&", "/bin/echo"]`, `so "&&" is an ordinary argument`},
		{`cmd = ["/bin/echo", "a && b"]`, ``},
		{`cmd = ["/bin/echo", "$HOME/x"]`, `so $HOME is not replaced`},
		{`cmd = ["/bin/echo", "${HOME}"]`, `so ${HOME} is not replaced`},
		{`cmd = ["/bin/echo", "$(date +%F)"]`, `is not replaced`},
		{`cmd = ["/bin/echo", "$1 costs 5$"]`, ``},
		{`cmd = ["/usr/bin/env", "awk", "{print $NF, $FILENAME}"]`, ``},
		{`cmd = ["/usr/bin/env", "sh", "-c", "echo $HOME"]`, ``},
		{`cmd = ["/bin/rm", "/tmp/*.log"]`, `so "/tmp/*.log" is not replaced with file names`},
		{`cmd = ["/usr/bin/env", "find", "/tmp", "-name", "*.log"]`, ``},
		{`cmd = ["/bin/echo", "~/x"]`, `so ~ is not replaced: write the path of the home directory`},
		{"cmd = ['/bin/true']\nenv = {PATH = \"$HOME/bin:$PATH\"}", `env.PATH: $HOME is not expanded here: use extra_path to add directories to PATH`},
		{"cmd = ['/bin/true']\nenv = {A = \"a$b\"}", ``},
		{"cmd = ['/bin/true']\nnotify.on_failure = [\"beep loud\"]", `notify.on_failure: this is the name of one program, with blanks in it: write ["beep", "loud"]`},
		{"cmd = ['/bin/true']\nnotify.on_recovery = [\"/bin/echo\", \"|\", \"x\"]", `notify.on_recovery: this runs without a shell`},

		{`cmd = ["no-such-program-here"]`, `cmd: "no-such-program-here" is in no directory of the job's PATH (` + DefaultPath + `)`},
		{`cmd = ["/no/such/program"]`, `cmd: there is no program /no/such/program`},
		{`cmd = ["` + plain + `"]`, `cmd: ` + plain + ` cannot be executed: chmod +x ` + plain},
		{"cmd = ['/bin/true']\nnotify.on_start = ['no-such-program-here']", `notify.on_start: "no-such-program-here" is in no directory of the job's PATH`},
		{"cmd = ['/bin/true']\nnotify.on_failure = ['/no/such/program']", `notify.on_failure: there is no program /no/such/program`},
		{"cmd = ['/bin/true']\nnotify.on_success = ['" + plain + "']", `notify.on_success: ` + plain + ` cannot be executed: chmod +x ` + plain},
		{"shell = 'true'\nnotify.on_recovery = ['./nosuch']\ndir = '" + dir + "'", `notify.on_recovery: there is no program ` + dir + `/nosuch`},
		{"cmd = ['/bin/true']\nnotify.on_failure = ['true']", ``},
		{"cmd = ['no-such-program-here']\nmachines = ['elsewhere']", ``},
		{"cmd = ['no-such-program-here']\npass_env = ['PATH']", ``},
		{"cmd = ['no-such-program-here']\nenv_file = '" + plain + "'", ``},
		{"cmd = ['tool']\nextra_path = ['" + dir + "']", `cmd: "tool" is in no directory of the job's PATH (` + dir + ":"},
		{"cmd = ['/bin/true']\ndir = '/no/such/dir'", `dir: there is no directory /no/such/dir`},
		{"cmd = ['/bin/true']\nenv_file = '/no/such/file'", `env_file: there is no file /no/such/file`},
		{"cmd = ['/bin/true']\ndir = '/tmp'", ``},
	} {
		file := filepath.Join(dir, "j.toml")
		if err := os.WriteFile(file, []byte(row.text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		defs, errs := ReadFile(file, nil)
		if errs != nil {
			t.Errorf("%s\n%s", row.text, lines(errs))
			continue
		}
		var got []string
		for _, doubt := range Doubts(defs, "here")[defs[0]] {
			got = append(got, doubt.Key+": "+doubt.Text)
		}
		if said := strings.Join(got, "\n"); (row.want == "") != (said == "") || !strings.Contains(said, row.want) || len(got) > 1 {
			t.Errorf("%s\ngot  %s\nwant %s", row.text, said, row.want)
		}
	}
}

// TestDoubtOfUser checks the warning that the user of a job cannot execute a program.
func TestDoubtOfUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has jobs of other users")
	}
	dir, err := os.MkdirTemp("/tmp", "jobsd-test") // TMPDIR of root may be closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	chmod(t, dir, 0o755)
	for name, mode := range map[string]os.FileMode{"private/tool": 0o755, "closed": 0o700, "group": 0o750, "script": 0o755, "unreadable": 0o711} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		chmod(t, name, mode)
	}
	chmod(t, filepath.Join(dir, "private"), 0o700)
	for name, what := range map[string]string{"private/tool": "private", "closed": "closed", "group": "group", "script": "", "unreadable": "unreadable"} {
		for _, user := range []string{"nobody", "root"} {
			want := "notify.on_failure: " + dir + "/" + name + " cannot be executed by the user nobody: see the permissions of " + dir + "/" + what
			if user == "root" || what == "" {
				want = ""
			}
			file := filepath.Join(dir, "j.toml")
			put(t, dir, "j.toml", "cmd = ['/bin/true']\nuser = '"+user+"'\nnotify.on_failure = ['"+dir+"/"+name+"']\n")
			defs, errs := ReadFile(file, nil)
			if errs != nil {
				t.Fatal(lines(errs))
			}
			got := ""
			for _, doubt := range Doubts(defs, "here")[defs[0]] {
				got += doubt.Key + ": " + doubt.Text
			}
			if got != want {
				t.Errorf("%s as %s\ngot  %s\nwant %s", name, user, got, want)
			}
		}
	}
}

func TestConfigDoubts(t *testing.T) {
	for text, want := range map[string]string{
		"mail.to = 'root'\nmail.sendmail = '/no/such/mailer'": `mail.to: cannot send mail: cannot find the program /no/such/mailer`,
		"mail.to = 'root'\nmail.sendmail = 'no-such-mailer'":  `mail.to: cannot send mail: cannot find the program no-such-mailer in `,
		"mail.sendmail = 'msmtp -a work'":                     `mail.sendmail: this is the name of one program, with blanks in it: write ["msmtp", "-a", "work"]`,
		"mail.sendmail = '/no/such/mailer'":                   ``,
		"mail.to = 'root'\nmail.sendmail = '/bin/true'":       ``,

		"notify.ops.mail = 'a'\nmail.sendmail = '/no/such/mailer'": `notify.ops.mail: cannot send mail: cannot find the program /no/such/mailer`,
		"notify.p.url_file = '/no/such/url'":                       `notify.p.url_file: there is no file /no/such/url`,
		"notify.p = {url = 'http://x', headers_file = '/no/such'}": `notify.p.headers_file: there is no file /no/such`,
		"heartbeat.url_file = '/no/such/url'":                      `heartbeat.url_file: there is no file /no/such/url`,
		"notify.page.cmd = ['page me']":                            `notify.page.cmd: this is the name of one program, with blanks in it: write ["page", "me"]`,
		"notify.page.cmd = ['echo', '$HOME']":                      `notify.page.cmd: this runs without a shell, so $HOME is not replaced`,
		"notify.page.cmd = ['/no/such/program']":                   `notify.page.cmd: there is no program /no/such/program`,
		"notify.page.cmd = ['no-such-program-here']":               `notify.page.cmd: "no-such-program-here" is in no directory of PATH (` + DefaultPath + `)`,
		"notify.page.cmd = ['sh', '-c', 'x']":                      ``,
	} {
		file := filepath.Join(t.TempDir(), "jobsd.toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := CheckConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, doubt := range c.Doubts(false) {
			said += doubt.Key + ": " + doubt.Text
		}
		if (want == "") != (said == "") || !strings.Contains(said, want) {
			t.Errorf("%s\ngot  %s\nwant %s", text, said, want)
		}
	}
}

// TestExposedURL checks the warning about a secret URL in a file that every user can read.
func TestExposedURL(t *testing.T) {
	dir := safeDir(t)
	for path := filepath.Dir(dir); strings.HasPrefix(path, os.TempDir()+"/"); path = filepath.Dir(path) {
		chmod(t, path, 0o755) // the directories of tests are private
	}
	if !(&Config{File: os.TempDir()}).isExposed() {
		t.Skip("other users cannot reach the directory for temporary files")
	}
	for _, c := range []struct {
		text      string
		file, dir os.FileMode
		want      string
	}{
		{"notify.c = {url = 'https://xyzzy', preset = 'slack'}", 0o644, 0o755, "notify.c.url"},
		{"notify.c = {url = 'https://xyzzy', preset = 'slack'}", 0o640, 0o755, ""},
		{"notify.c = {url = 'https://xyzzy', preset = 'slack'}", 0o644, 0o750, ""},
		{"notify.c = {url = 'http://xyzzy'}", 0o644, 0o755, ""},
		{"heartbeat.url = 'https://xyzzy'", 0o644, 0o755, "heartbeat.url"},
	} {
		file := put(t, dir, "jobsd.toml", c.text)
		chmod(t, file, c.file)
		chmod(t, dir, c.dir)
		config, err := CheckConfig(file)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, doubt := range config.Doubts(false) {
			got += doubt.Key
			if strings.Contains(doubt.Text, "xyzzy") {
				t.Error(doubt.Text)
			}
		}
		if got != c.want {
			t.Errorf("%s, mode %o in %o: warned of %q, want %q", c.text, c.file, c.dir, got, c.want)
		}
	}
}

// TestHabits checks the suggestions for names from other programs.
func TestHabits(t *testing.T) {
	for key, want := range map[string]string{
		"working_dir": "dir", "WorkingDirectory": "dir", "directory": "dir", "cwd": "dir", "depends_on": "after",
		"log_file": "log", "stdout_logfile": "log", "StandardOutput": "log", "max_retries": "retries", "on_failure": "notify.on_failure",
		"User": "user", "Group": "group", "ExecStart": "cmd", "command": "cmd", "autorestart": "keep_alive", "Restart": "keep_alive",
		"RestartSec": "keep_alive.delay", "TimeoutStopSec": "stop_timeout", "KillSignal": "stop_signal", "EnvironmentFile": "env_file",
		"Environment": "env", "OnCalendar": "start_at", "Persistent": "catch_up", "RandomizedDelaySec": "jitter",
		"concurrencyPolicy": "overlap", "backoffLimit": "retries", "activeDeadlineSeconds": "timeout", "ProgramArguments": "cmd",
		"StartInterval": "every", "RunAtLoad": "at_boot", "KeepAlive": "keep_alive", "UMask": "umask", "Nice": "nice",
		"Description": "description", "mailto": "notify.mail", "stopwaitsecs": "stop_timeout", "LimitNOFILE": "limits.nofile",
		"weekdays": "days", "tz": "timezone", "cron_expression": "cron", "success_within": "expect.success_within", "done_within": "expect.done_within", "to": "notify.to",
	} {
		_, errs := parseAs(t, someHost(t, 0), "t.toml", "cmd = ['x']\n"+key+" = 'x'\n")
		if said := lines(errs); !strings.Contains(said, `unknown key; did you mean "`+want+`"?`) {
			t.Errorf("%s: %s", key, said)
		}
		top, _, _ := strings.Cut(want, ".")
		if jobKeys.byName[top] == nil {
			t.Errorf("%s is not a key", want)
		}
	}
	for word, key := range elsewhere {
		top, sub, dotted := strings.Cut(key, ".")
		k := jobKeys.byName[top]
		if k == nil || dotted && top != "limits" && !hasKey(k.sub(), sub) {
			t.Errorf("%s points to %s, which is not a key", word, key)
		}
		if word != plainKey(word) || jobKeys.byName[word] != nil {
			t.Errorf("%s is never looked up", word)
		}
	}
	_, errs := parseAs(t, someHost(t, 0), "t.toml", "[Service]\nExecStart = 'x'\n")
	if said := lines(errs); !strings.Contains(said, `this is a systemd unit: "jobsd import" turns timers into job files`) {
		t.Error(said)
	}
	_, errs = parseAs(t, someHost(t, 0), "t.toml", "cmd = ['x']\nlog_file = 'x'\n")
	if said := lines(errs); !strings.Contains(said, `did you mean "log"? (jobsd keeps the output of each job`) {
		t.Error(said)
	}
}

func hasKey(list []Key, name string) bool {
	for _, k := range list {
		if k.Name == name {
			return true
		}
	}
	return false
}

// TestDoubtNamesOwnPath checks that the warning names extra_path if the reader's own PATH has the program.
func TestDoubtNamesOwnPath(t *testing.T) {
	plain, tools := t.TempDir(), t.TempDir()
	for file, mode := range map[string]os.FileMode{filepath.Join(plain, "some-tool"): 0o644, filepath.Join(tools, "some-tool"): 0o755} {
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "j.toml")
	if err := os.WriteFile(file, []byte("cmd = ['some-tool']\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	defs, errs := ReadFile(file, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	without := `"some-tool" is in no directory of the job's PATH (` + DefaultPath + `)`
	for path, want := range map[string]string{
		"relative::" + plain + ":" + tools: without + `; your own PATH has it: extra_path = ["` + tools + `"]`,
		plain + ":/no/such/dir":            without,
		"":                                 without,
	} {
		t.Setenv("PATH", path)
		if got := Doubts(defs, "host")[defs[0]]; len(got) != 1 || got[0].Text != want {
			t.Errorf("PATH=%s: %q, want %q", path, got, want)
		}
	}
}
