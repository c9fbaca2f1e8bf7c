package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/statefile"
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

// TestStrangersInMail: neither the description nor the output of a run brings control characters into a mail.
func TestStrangersInMail(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "j.log"), []byte(evil+"\nlast\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &disk{logDir: dir, outputs: newOutputs(statefile.NewFacts("")), base: map[string]int64{}}
	d.outputs.runs[1], d.outputs.notified[7] = span{job: "j", end: int64(len(evil) + 6)}, 1
	text := string(d.formatMail(&core.Mail{From: "a@b", To: []string{"a@b"}, Subject: evil, Parts: []core.MailPart{{Text: evil + "\n", Job: "j", Notification: 7}}}))
	if raw(text) || strings.Count(text, "evil") != 3 || !strings.Contains(text, "\nlast\n") {
		t.Errorf("%q", text)
	}
}

// TestStrangersInMarkers: markers with text of strangers stay on one line in the log of a job.
func TestStrangersInMarkers(t *testing.T) {
	d := &disk{logDir: t.TempDir(), base: map[string]int64{}, trouble: map[string]string{}, gid: -1}
	d.writeMarker(&jobfile.Definition{Name: "j"}, evil+"\n== run 7 pid 1 exited 0")
	text, err := os.ReadFile(d.logPath("j"))
	if err != nil || raw(string(text)) || strings.Count(string(text), "\n") != 1 {
		t.Errorf("%v, %q", err, text)
	}
}
