package notify

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// maxSecret is the largest file with a URL or headers.
const maxSecret = 64 << 10

// readSecret reads a file with secrets. It refuses a file that others can read or write, and one that another user can
// replace. key is the setting that names the file, for the error, which has nothing of what is in the file.
func readSecret(key, path string) (string, error) {
	text, err := openSecret(path)
	if err != nil {
		var wrapped *fs.PathError
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return "", fmt.Errorf("cannot read %s %s: %w", key, plain.Word(path), err)
	}
	return text, nil
}

func openSecret(path string) (string, error) {
	f, err := trust.New(os.Geteuid(), os.Getegid()).Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return "", err
	}
	if why := trust.Irregular(uint32(st.Mode), false); why != "" {
		return "", errors.New("it " + why)
	}
	if others := uint32(st.Mode) & 0o077; others&^mayRead(&st) != 0 {
		return "", fmt.Errorf("its group or others can use it (mode %04o): chmod 600 %s", uint32(st.Mode)&0o7777, plain.Shell(path))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = errors.New("it is larger than 64 KiB")
	}
	return string(text), err
}

// CheckSecret returns why the daemon refuses to read a file with a URL or headers. It says nothing about a file that does
// not exist, that this user may not read, or that belongs to somebody else, as the daemon may have another user.
func CheckSecret(path string) error {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return nil
	}
	_, err := openSecret(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// mayRead returns what the mode of a file of secrets may allow others. The group may read a file of root if the daemon
// is not root: a daemon that cannot change its own secrets needs that.
func mayRead(st *unix.Stat_t) uint32 {
	if st.Uid == 0 && os.Geteuid() != 0 {
		return 0o040
	}
	return 0
}

// address returns the URL of a receiver. Its errors have nothing of the URL, which may be a secret.
func (t *HTTP) address() (*url.URL, error) {
	text, name := t.URL, "the url"
	if t.URLFile != "" {
		all, err := readSecret("url_file", t.URLFile)
		if err != nil {
			return nil, err
		}
		text, _, _ = strings.Cut(all, "\n")
		name = "the URL in the first line of " + plain.Word(t.URLFile)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fmt.Errorf("%s is empty", name)
	case err != nil:
		return nil, fmt.Errorf("%s is not valid", name)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%s does not begin with https:// or http://", name)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%s has no host", name)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// addHeaders sets the headers of a receiver.
func (t *HTTP) addHeaders(r *http.Request) error {
	if t.HeadersFile == "" {
		return nil
	}
	text, err := readSecret("headers_file", t.HeadersFile)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || !isToken(name):
			return fmt.Errorf(`%s: line %d is not "Name: value"`, plain.Word(t.HeadersFile), i+1)
		case strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) >= 0:
			return fmt.Errorf("%s: line %d has a control character", plain.Word(t.HeadersFile), i+1)
		case strings.EqualFold(name, "Host"):
			r.Host = value
		default:
			r.Header.Set(name, value)
		}
	}
	return nil
}

// isToken reports whether s can be the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		alphanumeric := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}
