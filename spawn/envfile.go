package spawn

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
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
	f, e := openEnvFile(c.EnvFile)
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
		return &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: c.EnvFile, Detail: err.Error()}
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

// parseEnvFile reads lines of the form KEY=value and returns them in order.
//
//   - KEY is a letter or underscore, then letters, digits and underscores. No blank stands before the =, and no KEY
//     begins with JOBSD_. A KEY that comes twice has its last value.
//   - The value is the rest of the line without the blanks (space, tab) around it. One that begins with a single or
//     double quote must end with the same; what is between the two is the value.
//   - Nothing is expanded: no $, no backslash, no quotes within a value. A value ends with its line.
//   - Empty lines, and lines whose first character after blanks is #, are passed over. Elsewhere # is as any other.
//   - A line may end with CR LF, the file may begin with a byte order mark. There is no NUL in it.
//
// An error names the line, and nothing of what it holds: env files are where secrets are kept.
func parseEnvFile(text string) ([]string, error) {
	var vars []string
	number := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\uFEFF"), "\n") {
		number++
		line = strings.Trim(strings.TrimSuffix(line, "\r"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, err := parseVar(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		vars = append(vars, key+"="+value)
	}
	return vars, nil
}

func parseVar(line string) (key, value string, err error) {
	key, value, ok := strings.Cut(line, "=")
	switch {
	case !ok:
		return "", "", fmt.Errorf("want KEY=value")
	case !isKey(key):
		return "", "", fmt.Errorf("bad name before the =")
	case strings.HasPrefix(key, reserved):
		return "", "", fmt.Errorf("names that begin with %s are reserved", reserved)
	case strings.Contains(value, "\x00"):
		return "", "", fmt.Errorf("a NUL character")
	}
	value, err = unquote(strings.TrimLeft(value, " \t"))
	return key, value, err
}

func isKey(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func unquote(value string) (string, error) {
	if value == "" || value[0] != '\'' && value[0] != '"' {
		return value, nil
	}
	if last := len(value) - 1; last > 0 && value[last] == value[0] {
		return value[1:last], nil
	}
	return "", fmt.Errorf("the value begins with a quote and does not end with it")
}

// openEnvFile opens a regular file. For root, every component of its path must be root's, writable by nobody else
// (but for directories with the sticky bit, where others cannot replace what is not theirs), and no symbolic link.
func openEnvFile(path string) (*os.File, *Error) {
	open := openAny
	if unix.Geteuid() == 0 {
		open = openRoots
	}
	fd, e := open(path)
	if e != nil {
		return nil, e
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, &Error{Stage: StageEnvFile, Errno: syscall.EINVAL, Path: path, Detail: "(not a regular file)"}
	}
	return os.NewFile(uintptr(fd), path), nil
}

const openFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC // O_NONBLOCK: for a FIFO

func openAny(path string) (int, *Error) {
	fd, err := unix.Open(path, openFlags, 0)
	if err != nil {
		return -1, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path}
	}
	return fd, nil
}

func openRoots(path string) (int, *Error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return -1, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path}
	}
	at, dir := "/", unix.AT_FDCWD
	for _, name := range append([]string{"/"}, strings.Split(full[1:], "/")...) {
		at = filepath.Join(at, name)
		fd, err := unix.Openat(dir, name, openFlags|unix.O_NOFOLLOW, 0)
		if dir >= 0 {
			unix.Close(dir)
		}
		if err != nil {
			return -1, &Error{Stage: StageEnvFile, Errno: errnoOf(err), Path: path, Detail: "at " + printable(at)}
		}
		if why := distrust(fd); why != "" {
			unix.Close(fd)
			detail := "(" + printable(at) + " " + why + ")"
			return -1, &Error{Stage: StageEnvFile, Errno: syscall.EPERM, Path: path, Detail: detail}
		}
		dir = fd
	}
	return dir, nil
}

func distrust(fd int) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err.Error()
	}
	sticky := st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Mode&unix.S_ISVTX != 0
	switch {
	case st.Uid != 0:
		return "is not owned by root"
	case st.Mode&0o022 != 0 && !sticky:
		return "is writable by others than root"
	}
	return ""
}
