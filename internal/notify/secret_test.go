package notify

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrivateFiles: files that others can use, or that do not have what they should, are refused with a text that says
// what to do and has nothing of their contents. Another attempt may work, because a person can correct the file.
func TestPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	good := write(t, filepath.Join(dir, "good"), "http://127.0.0.1:1/SecretPath\n", 0o600)
	file := func(name, text string, mode os.FileMode) string {
		return write(t, filepath.Join(dir, name), text, mode)
	}
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	for _, test := range []struct{ url, headers, want string }{
		{filepath.Join(dir, "none"), "", "cannot read url_file DIR/none: no such file or directory"},
		{dir, "", "cannot read url_file DIR: it is a directory, not a file: move it elsewhere"},
		{filepath.Join(dir, "fifo"), "", "cannot read url_file DIR/fifo: it is a FIFO, not a file: move it elsewhere"},
		{file("r", "http://SecretHost", 0o644), "", "cannot read url_file DIR/r: its group or others can use it (mode 0644): chmod 600 DIR/r"},
		{file("g", "http://SecretHost", 0o640), "", "cannot read url_file DIR/g: its group or others can use it (mode 0640): chmod 600 DIR/g"},
		{file("w", "http://SecretHost", 0o602), "", "cannot read url_file DIR/w: DIR/w can be written by others"},
		{file("large", strings.Repeat("x", maxSecret+1), 0o600), "", "cannot read url_file DIR/large: it is larger than 64 KiB"},
		{file("empty", "\nhttp://SecretHost", 0o600), "", "the URL in the first line of DIR/empty is empty"},
		{file("nonsense", "http://[SecretHost", 0o600), "", "the URL in the first line of DIR/nonsense is not valid"},
		{file("ftp", "ftp://SecretHost/", 0o600), "", "the URL in the first line of DIR/ftp does not begin with https:// or http://"},
		{file("host", "http:///SecretPath", 0o600), "", "the URL in the first line of DIR/host has no host"},
		{good, filepath.Join(dir, "none"), "cannot read headers_file DIR/none: no such file or directory"},
		{good, file("h", "A: b", 0o604), "cannot read headers_file DIR/h: its group or others can use it (mode 0604): chmod 600 DIR/h"},
		{good, file("word", "A: b\nSecretHeader", 0o600), `DIR/word: line 2 is not "Name: value"`},
		{good, file("blank", "\n\nSecret Header: x", 0o600), `DIR/blank: line 3 is not "Name: value"`},
		{good, file("control", "A: Secret\x01Header", 0o600), "DIR/control: line 1 has a control character"},
	} {
		m := message(failed())
		m.HTTP = &HTTP{URLFile: test.url, HeadersFile: test.headers, Preset: "json"}
		got := deliver(t, newTest(long), m)
		if want := strings.ReplaceAll(test.want, "DIR", dir); !strings.HasPrefix(got.Error, want) || got.Final {
			t.Errorf("got %+v, want %q", got, want)
		}
		if strings.Contains(got.Error, "Secret") {
			t.Errorf("a secret is in %q", got.Error)
		}
	}
}

// TestPrivateFileOfRoot: the group of a daemon that is not root may read a file of root.
func TestPrivateFileOfRoot(t *testing.T) {
	for _, test := range []struct{ owner, want uint32 }{{0, 0o040}, {uint32(os.Geteuid()), 0o040}} {
		if os.Geteuid() == 0 {
			test.want = 0
		} else if test.owner != 0 {
			test.want = 0
		}
		if got := mayRead(&unix.Stat_t{Uid: test.owner}); got != test.want {
			t.Errorf("owner %d: got %03o, want %03o", test.owner, got, test.want)
		}
	}
}

// TestHeaders: a file of headers can replace ours, but not the identifier.
func TestHeaders(t *testing.T) {
	var got http.Header
	host := ""
	s := server(t, func(w http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host })
	m := message(failed())
	m.HTTP = &HTTP{URL: s.URL, Preset: "ntfy", HeadersFile: write(t, filepath.Join(t.TempDir(), "headers"),
		"# a comment\r\nPriority: min\r\n\r\n  authorization :  Bearer a:b \nHost: other.example.org\nIdempotency-Key: mine\nX-Empty:", 0o600)}
	if r := deliver(t, newTest(long), m); r.Error != "" {
		t.Fatalf("got %+v", r)
	}
	for name, want := range map[string]string{"Priority": "min", "Authorization": "Bearer a:b", "Idempotency-Key": "s-12", "X-Empty": ""} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
		}
	}
	if _, ok := got["X-Empty"]; !ok || host != "other.example.org" {
		t.Errorf("the host is %q, the headers are %v", host, got)
	}
}
