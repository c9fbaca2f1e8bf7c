package jobfile

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPassEnv checks what pass_env accepts: names and one form of patterns. Everything else would match nothing.
func TestPassEnv(t *testing.T) {
	for item, says := range map[string]string{
		"DISPLAY": "", "http_proxy": "", "LC_*": "", "AWS_SESSION_*": "", "_*": "",
		"*":       `"*" is not a pattern of variables: only PREFIX_* is one, such as "LC_*"`,
		"LC*":     `"LC*" is not a pattern of variables`,
		"*_PROXY": `"*_PROXY" is not a pattern of variables`,
		"A_*_B":   `"A_*_B" is not a pattern of variables`,
		"LC_?":    `"LC_?" is not a pattern of variables`,
		"A B":     `"A B" is not the name of a variable`,
		"A,B":     `"A,B" is not the name of a variable`,
		"$HOME":   `"$HOME" is not the name of a variable`,
		"JOBSD_*": `"JOBSD_*" is set by jobsd and cannot be changed`,
	} {
		_, errs := parseAs(t, someHost(t, 0), "t.toml", `cmd = ["x"]`+"\npass_env = ['"+item+"']\n")
		if got := lines(errs); says == "" && errs != nil || !strings.Contains(got, says) {
			t.Errorf("%q: got %q, want %q", item, got, says)
		}
	}
}

// TestSignalWords compares the signals in the schema with those of this system.
func TestSignalWords(t *testing.T) {
	for n := range 65 {
		name := strings.TrimPrefix(unix.SignalName(unix.Signal(n)), "SIG")
		if name == "" {
			continue
		}
		_, errs := parseAs(t, someHost(t, 0), "t.toml", `cmd = ["x"]`+"\nstop_signal = '"+name+"'\n")
		known := strings.Contains(" "+signalWords+" ", " "+name+" ")
		if known != (errs == nil) {
			t.Errorf("%s: known to the schema: %t; a job file: %v", name, known, errs)
		}
	}
}
