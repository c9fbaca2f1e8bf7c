package jobfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoubts is what is allowed and hardly meant, and what looks like it and is meant.
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
		{`cmd = ["/bin/echo backup --all"]`, `cmd: this is one word, the name of a program with blanks: write ["/bin/echo", "backup", "--all"]`},
		{`cmd = ["echo $HOME > /tmp/x"]`, `cmd: this is one word, which no shell reads: write shell = ... instead of a list`},
		{`cmd = ["` + spaced + `"]`, ``},
		{`cmd = ["/bin/sh", "-c", "echo $HOME | cat > /dev/null && rm /tmp/*"]`, ``},
		{`shell = "echo $HOME | cat"`, ``},
		{`cmd = ["/bin/echo", "a", "|", "mail", "root"]`, `cmd: no shell reads this, and "|" is an argument like any other: write it as shell = "..."`},
		{`cmd = ["/bin/echo", "a", ">>", "/tmp/x"]`, `and ">>" is an argument`},
		{`cmd = ["/bin/echo", "a", "2>&1"]`, `and "2>&1" is an argument`},
		{`cmd = ["/bin/echo", "a", "2>/dev/null"]`, `and "2>/dev/null" is an argument`},
		{`cmd = ["/bin/true", "&&", "/bin/echo"]`, `and "&&" is an argument`},
		{`cmd = ["/bin/echo", "a && b"]`, ``},
		{`cmd = ["/bin/echo", "$HOME/x"]`, `and $HOME is not replaced`},
		{`cmd = ["/bin/echo", "${HOME}"]`, `and ${HOME} is not replaced`},
		{`cmd = ["/bin/echo", "$(date +%F)"]`, `is not replaced`},
		{`cmd = ["/bin/echo", "$1 costs 5$"]`, ``},
		{`cmd = ["/usr/bin/env", "awk", "{print $NF, $FILENAME}"]`, ``},
		{`cmd = ["/usr/bin/env", "sh", "-c", "echo $HOME"]`, ``},
		{`cmd = ["/bin/rm", "/tmp/*.log"]`, `and no files are put in place of "/tmp/*.log"`},
		{`cmd = ["/usr/bin/env", "find", "/tmp", "-name", "*.log"]`, ``},
		{`cmd = ["/bin/echo", "~/x"]`, `and ~ is not replaced: write the home directory out`},
		{"cmd = ['/bin/true']\nenv = {PATH = \"$HOME/bin:$PATH\"}", `env.PATH: $HOME in its value is not expanded; put directories in front of PATH by extra_path`},
		{"cmd = ['/bin/true']\nenv = {A = \"a$b\"}", ``},
		{"cmd = ['/bin/true']\nnotify.on_failure = [\"beep loud\"]", `notify.on_failure: this is one word, the name of a program with blanks: write ["beep", "loud"]`},
		{"cmd = ['/bin/true']\nnotify.on_recovery = [\"beep\", \"|\", \"x\"]", `notify.on_recovery: no shell reads this`},

		{`cmd = ["no-such-program-here"]`, `cmd: "no-such-program-here" is in no directory of its PATH (` + DefaultPath + `)`},
		{`cmd = ["/no/such/program"]`, `cmd: there is no program /no/such/program`},
		{`cmd = ["` + plain + `"]`, `cmd: ` + plain + ` cannot be executed: chmod +x ` + plain},
		{"cmd = ['no-such-program-here']\nmachines = ['elsewhere']", ``},
		{"cmd = ['no-such-program-here']\npass_env = ['PATH']", ``},
		{"cmd = ['no-such-program-here']\nenv_file = '" + plain + "'", ``},
		{"cmd = ['tool']\nextra_path = ['" + dir + "']", `cmd: "tool" is in no directory of its PATH (` + dir + ":"},
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

func TestConfigDoubts(t *testing.T) {
	for text, want := range map[string]string{
		"mail.to = 'root'\nmail.sendmail = '/no/such/mailer'": `mail.to: no mail can be sent: there is no program /no/such/mailer`,
		"mail.to = 'root'\nmail.sendmail = 'no-such-mailer'":  `mail.to: no mail can be sent: there is no program no-such-mailer in `,
		"mail.sendmail = 'msmtp -a work'":                     `mail.sendmail: this is one word, the name of a program with blanks: write ["msmtp", "-a", "work"]`,
		"mail.sendmail = '/no/such/mailer'":                   ``,
		"mail.to = 'root'\nmail.sendmail = '/bin/true'":       ``,
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

// TestHabits is what people write who come from elsewhere, and what they are pointed to.
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
		"weekdays": "days", "tz": "timezone", "cron_expression": "cron",
	} {
		_, errs := parseAs(t, someHost(t, 0), "t.toml", "cmd = ['x']\n"+key+" = 'x'\n")
		if said := lines(errs); !strings.Contains(said, `unknown key; did you mean "`+want+`"?`) {
			t.Errorf("%s: %s", key, said)
		}
		top, _, _ := strings.Cut(want, ".")
		if jobKeys.byName[top] == nil {
			t.Errorf("%s is no key", want)
		}
	}
	for word, key := range elsewhere {
		top, sub, dotted := strings.Cut(key, ".")
		k := jobKeys.byName[top]
		if k == nil || dotted && top != "limits" && !hasKey(k.sub(), sub) {
			t.Errorf("%s points to %s, which is no key", word, key)
		}
		if word != plainKey(word) || jobKeys.byName[word] != nil {
			t.Errorf("%s is never looked up", word)
		}
	}
	_, errs := parseAs(t, someHost(t, 0), "t.toml", "[Service]\nExecStart = 'x'\n")
	if said := lines(errs); !strings.Contains(said, `this is a unit of systemd: "jobsd import" makes job files of timers`) {
		t.Error(said)
	}
	_, errs = parseAs(t, someHost(t, 0), "t.toml", "cmd = ['x']\nlog_file = 'x'\n")
	if said := lines(errs); !strings.Contains(said, `did you mean "log"? (jobsd keeps the output of each job itself`) {
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

// TestDoubtNamesOwnPath: where the reader's own PATH has the program that the job's lacks, the key that adds it is named.
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
	without := `"some-tool" is in no directory of its PATH (` + DefaultPath + `)`
	for path, want := range map[string]string{
		"relative::" + plain + ":" + tools: without + `; your PATH has it: extra_path = ["` + tools + `"]`,
		plain + ":/no/such/dir":            without,
		"":                                 without,
	} {
		t.Setenv("PATH", path)
		if got := Doubts(defs, "host")[defs[0]]; len(got) != 1 || got[0].Text != want {
			t.Errorf("PATH=%s: %q, want %q", path, got, want)
		}
	}
}
