package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// largestText is the size limit, in bytes, for a file of another scheduler.
const largestText = 64 << 20

// readForeign reads a file of another scheduler. A named pipe could make it wait forever for a writer, so it reads a pipe
// only under the names that a shell uses, as in <(ssh host crontab -l).
func readForeign(path string) (text string, st os.FileInfo, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if st, err = f.Stat(); err != nil {
		return "", nil, err
	}
	passed := path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/")
	if !st.Mode().IsRegular() && !passed {
		return "", st, fail(exitFailed, "to read a pipe: jobsd import ... - < "+path, "%s is not a regular file", path)
	}
	text, err = readAllForeign(f)
	return text, st, err
}

func readAllForeign(from io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, largestText+1))
	if err == nil && len(text) > largestText {
		err = errors.New("it is larger than 64 MiB")
	}
	if err != nil {
		return "", fmt.Errorf("cannot read it: %w", err)
	}
	return string(text), nil
}
