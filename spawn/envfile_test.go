package spawn

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseEnvFile(t *testing.T) {
	for _, row := range []struct {
		text string
		want []string
		err  string
	}{
		{"", nil, ""},
		{"A=1\nB=2", []string{"A=1", "B=2"}, ""},
		{"\uFEFFA=1\r\nB=2\r\n", []string{"A=1", "B=2"}, ""},
		{"# c\n\n  \t\n  # c\n; c\n ;A=1\n _a9 =", []string{"_a9="}, ""},
		{" A= x y \t", []string{"A=x y"}, ""},
		{"A=", []string{"A="}, ""},
		{"A==b=c", []string{"A==b=c"}, ""},
		{"A=x # y", []string{"A=x # y"}, ""},
		{"A=$HOME ~ \\n `x`", []string{"A=$HOME ~ \\n `x`"}, ""},
		{`A=" x "`, []string{"A= x "}, ""},
		{`A='x"y'`, []string{`A=x"y`}, ""},
		{`A="a" "b"`, nil, "line 1: the value contains the same quote that encloses it; enclose it in the other kind of quote"},
		{`A='it''s'`, nil, "line 1: the value contains the same quote that encloses it; enclose it in the other kind of quote"},
		{`A="it's"`, []string{"A=it's"}, ""},
		{`A="a\"b"`, nil, "line 1: a backslash in double quotes: jobsd expands nothing; write the value unchanged in single quotes"},
		{`A="C:\dir"`, []string{`A=C:\dir`}, ""},
		{`A="C:\"`, nil, "line 1: a backslash in double quotes: jobsd expands nothing; write the value unchanged in single quotes"},
		{`A='C:\'`, []string{`A=C:\`}, ""},
		{"A=1\nB=x\\\ny\n", nil, "line 2: a backslash at the end of the line: a value cannot continue on the next line; write it on one line, or in single quotes if the backslash belongs to it"},
		{"A=1\nB=x\\\r\n", nil, "line 2: a backslash at the end of the line: a value cannot continue on the next line; write it on one line, or in single quotes if the backslash belongs to it"},
		{"A = 1\n\tB\t=\t2", []string{"A=1", "B=2"}, ""},
		{"export A=1\n  export  B = '2 '", []string{"A=1", "B=2 "}, ""},
		{"export=1", []string{"export=1"}, ""},
		{"export A", nil, "line 1: a name without = and a value; to pass on a variable of the daemon, use pass_env"},
		{"HOME", nil, "line 1: a name without = and a value; to pass on a variable of the daemon, use pass_env"},
		{"set -a", nil, "line 1: not of the form NAME=value"},
		{"a.b=1", nil, "line 1: the text before = is not a name: use letters, digits and _, and no digit at the beginning"},
		{`A=""`, []string{"A="}, ""},
		{`A=x"`, []string{`A=x"`}, ""},
		{`A="x`, nil, "line 1: the value begins with a quote but does not end with the same quote"},
		{`A='`, nil, "line 1: the value begins with a quote but does not end with the same quote"},
		{`A="x" # secret`, nil, "line 1: the value begins with a quote but does not end with the same quote"},
		{"A=\xff", []string{"A=\xff"}, ""},
		{"A=1\nA=2", []string{"A=1", "A=2"}, ""},
		{"ok=1\nexport A B=1", nil, "line 2: the text before = is not a name: use letters, digits and _, and no digit at the beginning"},
		{"a secret", nil, "line 1: not of the form NAME=value"},
		{"=1", nil, "line 1: the text before = is not a name: use letters, digits and _, and no digit at the beginning"},
		{"1A=1", nil, "line 1: the text before = is not a name: use letters, digits and _, and no digit at the beginning"},
		{"Ä=1", nil, "line 1: the text before = is not a name: use letters, digits and _, and no digit at the beginning"},
		{"A=\x00", nil, "line 1: the value contains a NUL character"},
		{"JOBSD_MARK=x", nil, "line 1: names that begin with JOBSD_ are reserved"},
	} {
		got, err := parseEnvFile(row.text)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if !slices.Equal(got, row.want) || said != row.err {
			t.Errorf("%q: %q, %v", row.text, got, err)
		}
	}
}

func FuzzParseEnvFile(f *testing.F) {
	for _, seed := range []string{"A=1\n# c\nB='2'\r\n", "A=\"x", "=", "\uFEFFA= b ", "A=\x00\nB", "A=x\"'c\r\r"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := parseEnvFile(text)
		if err != nil {
			return
		}
		var quoted []string
		for _, s := range vars {
			key, value, ok := strings.Cut(s, "=")
			if !ok || !isName(key) || strings.ContainsAny(value, "\n\x00") {
				t.Fatalf("%q gives %q", text, s)
			}
			quote := "'"
			if strings.Contains(value, quote) {
				quote = `"`
			}
			if strings.Contains(value, quote) || quote == `"` && escapes(value) {
				quote = "" // no quotes, as in the input
			}
			quoted = append(quoted, key+"="+quote+value+quote)
		}
		// With CR LF as its end, a line keeps a CR at the end of an unquoted value.
		again, err := parseEnvFile(strings.Join(quoted, "\r\n") + "\r")
		if err != nil || !slices.Equal(again, vars) {
			t.Fatalf("%q gives %q, quoted %q, %v", text, vars, again, err)
		}
	})
}

func TestMergeEnv(t *testing.T) {
	got := mergeEnv([]string{"A=1", "B=2", "odd"}, []string{"C=3", "A=4", "C=5", "A=6"})
	if want := []string{"A=6", "B=2", "odd", "C=5"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestEnvFile(t *testing.T) {
	file := write(t, filepath.Join(openDir(t), "env"), "A=file\nB='b b'\n", 0o644)
	c := program("/usr/bin/env")
	c.Env, c.EnvFile = []string{"A=env", "Z=z"}, file
	if got := output(t, c, true); got != "A=file\nZ=z\nB=b b\n" {
		t.Errorf("got %q", got)
	}
	tool := write(t, filepath.Join(filepath.Dir(file), "tool"), "#!/bin/sh\necho found", 0o755)
	write(t, file, "PATH="+filepath.Dir(tool), 0o644)
	c = with(program("tool"), func(c *Command) { c.EnvFile = file })
	if got := output(t, c, true); got != "found\n" {
		t.Errorf("PATH of the file: got %q", got)
	}
	c = with(program("tool"), func(c *Command) { c.Dir, c.EnvFile = filepath.Dir(file), "env" })
	if got := output(t, c, true); got != "found\n" {
		t.Errorf("relative to dir: got %q", got)
	}
}

func TestEnvFileRefused(t *testing.T) {
	dir := openDir(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	must(unix.Mkfifo(in("fifo"), 0o644))
	write(t, in("big"), strings.Repeat("A=1\n", 1<<18)+"A=1\n", 0o644)
	write(t, in("bad"), "A=1\na secret\n", 0o644)
	for name, want := range map[string]Error{
		"fifo": {StageEnvFile, syscall.EINVAL, in("fifo"), " is not a regular file"},
		".":    {StageEnvFile, syscall.EINVAL, in("."), " is not a regular file"},
		"big":  {StageEnvFile, syscall.EFBIG, in("big"), ""},
		"bad":  {StageEnvFile, syscall.EINVAL, in("bad"), ", line 2: not of the form NAME=value"},
	} {
		fails(t, with(shell(""), func(c *Command) { c.EnvFile = in(name) }), true, want)
	}
}

// A file that root reads must belong to root, with all its directories. A file that a user reads may belong to
// anyone.
func TestEnvFileTrust(t *testing.T) {
	needRoot(t)
	dir := openDir(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("good"), "A=1\n", 0o644)
	must(os.Symlink("good", in("link")))
	must(os.Symlink(".", in("dirlink")))
	write(t, in("loose"), "A=1\n", 0o664)
	write(t, in("foreign"), "A=1\n", 0o644)
	must(os.Chown(in("foreign"), 12345, 0))
	must(os.Mkdir(in("foreigndir"), 0o755))
	write(t, in("foreigndir/env"), "A=1\n", 0o644)
	must(os.Chown(in("foreigndir"), 12345, 0))
	must(os.Mkdir(in("loosedir"), 0o755))
	must(os.Chmod(in("loosedir"), 0o777))
	write(t, in("loosedir/env"), "A=1\n", 0o644)

	use := func(name string, as *Credential) *Command {
		return with(shell("echo $A"), func(c *Command) { c.EnvFile, c.Credential = name, as })
	}
	must(os.Symlink("../good", in("foreigndir/link")))
	must(os.Symlink("foreigndir/env", in("linktheirs")))
	for _, name := range []string{"good", "link", "dirlink/good"} {
		if got := output(t, use(in(name), nil), true); got != "1\n" {
			t.Errorf("%s: %q", name, got)
		}
	}
	theirs := " cannot be trusted: the path leads through the directory " + in("foreigndir") + ", which is not owned by root but by uid 12345: move it to a directory that nobody else can change"
	for name, row := range map[string]struct {
		errno  syscall.Errno
		detail string
	}{
		"loose":           {syscall.EPERM, " cannot be trusted: " + in("loose") + " can be written by its group (mode 0664): chmod g-w " + in("loose")},
		"foreign":         {syscall.EPERM, " cannot be trusted: " + in("foreign") + " is not owned by root but by uid 12345: chown root " + in("foreign")},
		"foreigndir/env":  {syscall.EPERM, theirs},
		"foreigndir/link": {syscall.EPERM, theirs},
		"linktheirs":      {syscall.EPERM, theirs},
		"loosedir/env": {syscall.EPERM, " cannot be trusted: the path leads through the directory " + in("loosedir") + ", which can be written by its group and by others" +
			" (mode 0777): move it to a directory that nobody else can change"},
	} {
		want := Error{StageEnvFile, row.errno, in(name), row.detail}
		fails(t, use(in(name), nil), true, want)
		if got := output(t, use(in(name), &Credential{UID: 12345, GID: 12345}), true); got != "1\n" {
			t.Errorf("%s as a user: %q", name, got)
		}
	}
}
