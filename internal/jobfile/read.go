package jobfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/machine"
	"jobsd/internal/plain"
)

// ReadFile reads the definitions of one file that is not in force, for example to check it. None of them will be
// executed, so the file may be writable by others. config gives the defaults; nil: none.
func ReadFile(path string, config *Config) ([]*Definition, []error) {
	h := thisHost(time.Now())
	src, err := ordinary(path)
	if err != nil {
		return nil, []error{err}
	}
	return h.parseStrictly(src, fileName(filepath.Base(path), src.text), h.defaults(config))
}

// ReadFileAs reads a file that is in force for a daemon that runs as that user: only root's daemon runs jobs of other
// users. Such a file may name targets that jobsd.toml no longer has.
func ReadFileAs(path string, config *Config, uid int) ([]*Definition, []error) {
	src, err := ordinary(path)
	if err != nil {
		return nil, []error{err}
	}
	h := thisHost(time.Now())
	if uid != h.UID {
		h.Facts = machine.For(uid, h.Accounts, h.Zone)
	}
	defs, _, errs := h.parse(src, fileName(filepath.Base(path), src.text), h.defaults(config))
	return defs, errs
}

// defaults makes the host use the settings, if there are any, and returns their default values.
func (h *host) defaults(c *Config) *node {
	if c == nil {
		return nil
	}
	h.use(c)
	return c.defaults
}

// CheckConfig says what is wrong with a jobsd.toml that is not in force. It will not be used, so the file may be
// writable by others.
func CheckConfig(path string) (*Config, error) {
	src, err := ordinary(path)
	if err != nil {
		return nil, err
	}
	return thisHost(time.Now()).parseConfig(path, src.text, false)
}

func ordinary(path string) (*source, error) {
	text, err := readOrdinary(path)
	if err != nil {
		return nil, at(path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return newSource(plain.Word(path), dir, text), nil
}

// fileName returns the name that a file would have in a jobs directory. Package managers and editors check files under
// temporary names, which have neither the suffix nor the name of the job; then the text decides the format.
func fileName(base, text string) string {
	ext := filepath.Ext(base)
	if !isIgnored(base) && len(base)-len(ext) <= maxName {
		return base
	}
	switch {
	case ext == ".toml", ext == ".json":
	case strings.HasPrefix(strings.TrimLeft(text, byteOrderMark+" \t\r\n"), "{"):
		ext = ".json"
	default:
		ext = ".toml"
	}
	return "job" + ext
}

// readOrdinary reads a regular file. It never blocks on a FIFO.
func readOrdinary(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	defer file.Close()
	st, err := file.Stat()
	switch {
	case err != nil:
		return "", err
	case !st.Mode().IsRegular():
		return "", errors.New("is not a regular file")
	}
	b, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err == nil && len(b) > MaxFile {
		err = errors.New(tooBig)
	}
	return string(b), err
}
