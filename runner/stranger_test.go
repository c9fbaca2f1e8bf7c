package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"jobsd/runner/core"
)

// evil is text that a stranger may use as the name of a file or a program, or a job may print. It clears the screen,
// sets the title and looks like a separate line.
const evil = "evil\x1b[2J\x1b]0;title\a\u009b31m\x7f\u202e\r2026-01-01 [INFO] jobsd: all is well"

func raw(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == '\u202e' })
}

// TestStrangersInLog: whatever the text, an entry of the daemon's log is one line without control characters.
func TestStrangersInLog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		path := filepath.Join(t.TempDir(), "log")
		l, err := newLogger(Options{LogFile: path, LogLevel: "debug", LogFormat: format})
		if err != nil {
			t.Fatal(err)
		}
		l.say(core.Say{Level: core.Error, Text: evil + "\nfake", Args: []any{"job", evil, "list", []string{evil}}})
		l.Info(evil, "err", errors.New(evil))
		l.Warn(evil + "\nfake")
		l.Error(evil)
		l.close()
		text, err := os.ReadFile(path)
		if err != nil || raw(string(text)) || strings.Count(string(text), "\n") != 4 || strings.Count(string(text), "evil") != 7 {
			t.Errorf("%s: %v, %q", format, err, text)
		}
	}
}
