package spawn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
	"jobsd/spawn/shim"
)

const (
	maxEnvFile = 1 << 20  // bytes
	reserved   = "JOBSD_" // prefix that only the daemon uses: it recognizes its own processes by such a name
)

// addEnvFile adds the values of the env_file, which override those of Env. It runs as the user of the process, so it
// reads a user's file with only the rights of that user. A file that root reads must belong to root.
func addEnvFile(i *shim.Instructions) *Error {
	open := openAny
	if unix.Geteuid() == 0 {
		open = openRoots
	}
	vars, e := readEnvFile(i.EnvFile, open)
	i.Env = mergeEnv(i.Env, vars)
	return e
}

func readEnvFile(path string, open func(string) (*os.File, *Error)) (vars []string, e *Error) {
	f, e := openEnvFile(path, open)
	if e != nil {
		return nil, e
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err != nil {
		return nil, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path}
	}
	if len(text) > maxEnvFile {
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EFBIG, Path: path}
	}
	if vars, err = parseEnvFile(string(text)); err != nil {
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: path, Detail: ", " + err.Error()}
	}
	return vars, nil
}

// mergeEnv returns env with vars added. A variable replaces one with the same name, or goes to the end.
func mergeEnv(env, vars []string) []string {
	place := make(map[string]int, len(env)+len(vars))
	for i, s := range env {
		name, _, _ := strings.Cut(s, "=")
		place[name] = i
	}
	for _, s := range vars {
		name, _, _ := strings.Cut(s, "=")
		if i, known := place[name]; known {
			env[i] = s
			continue
		}
		place[name] = len(env)
		env = append(env, s)
	}
	return env
}

// parseEnvFile reads lines of the form NAME=value and returns them in order.
//
//   - NAME is a letter or underscore, followed by letters, digits and underscores. It must not begin with JOBSD_.
//     Blanks around it are allowed, and so is "export" before it. If a name occurs twice, its last value counts.
//   - The value is the rest of the line without the blanks (space, tab) around it. A value that begins with a single
//     or double quote must end with the same quote; the text between the quotes is the value.
//   - Nothing is expanded: neither $ nor a backslash. A value ends at the end of its line.
//   - Empty lines are skipped, and so are lines that begin with # or ; after blanks. In other places # and ; are
//     ordinary characters.
//   - A line may end with CR LF, and the file may begin with a byte order mark. A NUL is an error.
//
// A file that systemd accepts as EnvironmentFile= or docker as --env-file either means the same here or is refused.
// There are two exceptions, in which systemd and docker also differ from each other: docker keeps quotes around a
// value, and systemd removes a backslash from a value without quotes.
//
// An error names the line but shows none of its text, because env files hold secrets.
func parseEnvFile(text string) ([]string, error) {
	var vars []string
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\uFEFF"), "\n") {
		number++
		line = strings.Trim(strings.TrimSuffix(line, "\r"), blanks)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		name, value, err := parseVar(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		vars = append(vars, name+"="+value)
	}
	return vars, nil
}

const blanks = " \t"

func parseVar(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, "=")
	name = strings.TrimRight(name, blanks)
	if word, rest, found := strings.Cut(name, " "); found && word == "export" {
		name = strings.TrimLeft(rest, blanks)
	}
	switch {
	case !ok && isName(name):
		return "", "", errors.New("a name without = and a value; to pass on a variable of the daemon, use pass_env")
	case !ok:
		return "", "", errors.New("not of the form NAME=value")
	case !isName(name):
		return "", "", errors.New("the text before = is not a name: use letters, digits and _, and no digit at the beginning")
	case strings.HasPrefix(name, reserved):
		return "", "", fmt.Errorf("names that begin with %s are reserved", reserved)
	case strings.Contains(value, "\x00"):
		return "", "", errors.New("the value contains a NUL character")
	}
	value, err = unquote(strings.TrimLeft(value, blanks))
	return name, value, err
}

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// unquote removes the quotes around a value. It refuses values that other readers of such files would interpret
// further.
func unquote(value string) (string, error) {
	if value == "" || value[0] != '\'' && value[0] != '"' {
		if strings.HasSuffix(value, `\`) {
			return "", errors.New("a backslash at the end of the line: a value cannot continue on the next line; " +
				"write it on one line, or in single quotes if the backslash belongs to it")
		}
		return value, nil
	}
	quote := value[:1]
	in, ends := strings.CutSuffix(value[1:], quote)
	switch {
	case !ends:
		return "", errors.New("the value begins with a quote but does not end with the same quote")
	case quote == `"` && escapes(in):
		return "", errors.New("a backslash in double quotes: jobsd expands nothing; write the value unchanged in single quotes")
	case strings.Contains(in, quote):
		return "", errors.New("the value contains the same quote that encloses it; enclose it in the other kind of quote")
	}
	return in, nil
}

// escapes reports whether a shell or systemd would interpret a backslash of s in double quotes.
func escapes(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '\\' && strings.IndexByte("\"\\$`", s[i+1]) >= 0 {
			return true
		}
	}
	return strings.HasSuffix(s, `\`)
}

// CheckEnvFile reports what is wrong with an env_file, as far as the caller may read it. It does not check whether
// the file can be trusted.
func CheckEnvFile(path string) *Error {
	_, e := readEnvFile(path, openAny)
	return e
}

// openEnvFile opens a regular file. For root, the caller passes openRoots: root must own the file and every directory
// on the way to it, and no other user may be able to change them.
func openEnvFile(path string, open func(string) (*os.File, *Error)) (*os.File, *Error) {
	f, e := open(path)
	if e != nil {
		return nil, e
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: path, Detail: " is not a regular file"}
	}
	return f, nil
}

func openAny(path string) (*os.File, *Error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0) // O_NONBLOCK: for a FIFO
	if err != nil {
		return nil, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func openRoots(path string) (*os.File, *Error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path}
	}
	f, err := trust.Self().Open(full)
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing):
		return nil, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path, Detail: missing.Path}
	case err != nil:
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EPERM, Path: path, Detail: " cannot be trusted: " + err.Error()}
	}
	return f, nil
}
