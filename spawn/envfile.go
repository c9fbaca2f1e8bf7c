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
)

const (
	maxEnvFile = 1 << 20  // bytes
	reserved   = "JOBSD_" // names that only the daemon gives: by them it knows its own processes again
)

// addEnvFile puts the values of the env_file over those of Env. It runs as the process's user, so a user's file is
// trusted exactly as far as that user may read. What root reads has to be root's own.
func (c *Command) addEnvFile() *Error {
	if c.EnvFile == "" {
		return nil
	}
	open := openAny
	if unix.Geteuid() == 0 {
		open = openRoots
	}
	return c.readEnvFile(open)
}

func (c *Command) readEnvFile(open func(string) (*os.File, *Error)) *Error {
	f, e := openEnvFile(c.EnvFile, open)
	if e != nil {
		return e
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err != nil {
		return &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: c.EnvFile}
	}
	if len(text) > maxEnvFile {
		return &Error{Stage: StageEnvFile, Errno: syscall.EFBIG, Path: c.EnvFile}
	}
	vars, err := parseEnvFile(string(text))
	if err != nil {
		return &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: c.EnvFile, Detail: ", " + err.Error()}
	}
	c.Env = mergeEnv(c.Env, vars)
	return nil
}

// mergeEnv returns env with each of vars in the place of its namesake, or at the end.
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
//   - NAME is a letter or underscore, then letters, digits and underscores, and does not begin with JOBSD_. Blanks may
//     stand around it, and "export" in front of it. One that comes twice has its last value.
//   - The value is the rest of the line without the blanks (space, tab) around it. One that begins with a single or
//     double quote must end with the same; what is between the two is the value.
//   - Nothing is expanded: no $, no backslash. A value ends with its line.
//   - Empty lines, and lines whose first character after blanks is # or ;, are passed over. Elsewhere these are as any
//     other.
//   - A line may end with CR LF, the file may begin with a byte order mark. There is no NUL in it.
//
// Every file that systemd takes for an EnvironmentFile= or docker for an --env-file either means the same here or is
// refused, but for two things that these two read differently themselves: quotes around a value, which docker keeps, and
// a backslash in a value without quotes, which systemd takes away.
//
// An error names the line, and nothing of what it holds: env files are where secrets are kept.
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
		return "", "", errors.New("a name without = and a value; to take a variable from the daemon, use pass_env")
	case !ok:
		return "", "", errors.New("not of the form NAME=value")
	case !isName(name):
		return "", "", errors.New("in front of the = stands no name of letters, digits and _")
	case strings.HasPrefix(name, reserved):
		return "", "", fmt.Errorf("names that begin with %s are reserved", reserved)
	case strings.Contains(value, "\x00"):
		return "", "", errors.New("a NUL character")
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

// unquote takes the quotes off a value. It refuses what other readers of such files take for more than it says here.
func unquote(value string) (string, error) {
	if value == "" || value[0] != '\'' && value[0] != '"' {
		if strings.HasSuffix(value, `\`) {
			return "", errors.New("a backslash at the end of the line: a value does not go on in the next line; " +
				"write it in one line, or in single quotes if the backslash belongs to it")
		}
		return value, nil
	}
	quote := value[:1]
	in, ends := strings.CutSuffix(value[1:], quote)
	switch {
	case !ends:
		return "", errors.New("the value begins with a quote and does not end with it")
	case quote == `"` && escapes(in):
		return "", errors.New("a backslash in double quotes: nothing is expanded; write the value in single quotes, as it is")
	case strings.Contains(in, quote):
		return "", errors.New("a quote of the same kind within the quotes around the value")
	}
	return in, nil
}

// escapes tells whether a backslash in double quotes would be taken away by a shell and by systemd.
func escapes(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '\\' && strings.IndexByte("\"\\$`", s[i+1]) >= 0 {
			return true
		}
	}
	return strings.HasSuffix(s, `\`)
}

// CheckEnvFile tells what is wrong with an env_file, as far as whoever asks may read it. It does not look whether it can
// be trusted.
func CheckEnvFile(path string) *Error {
	c := Command{EnvFile: path}
	return c.readEnvFile(openAny)
}

// openEnvFile opens a regular file. For root, who gives openRoots, the file and all on the way to it must be root's and
// for nobody else to change.
func openEnvFile(path string, open func(string) (*os.File, *Error)) (*os.File, *Error) {
	f, e := open(path)
	if e != nil {
		return nil, e
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: path, Detail: " is not a file"}
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
	var lacks *fs.PathError
	switch {
	case errors.As(err, &lacks):
		return nil, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path, Detail: lacks.Path}
	case err != nil:
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EPERM, Path: path, Detail: " cannot be trusted: " + err.Error()}
	}
	return f, nil
}
