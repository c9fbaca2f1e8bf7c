package jobfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestSecretsAreNotQuoted has mistakes near possible secrets: arguments, scripts and variables. Everybody can read the
// errors in the state file, even without permission to read the job file.
func TestSecretsAreNotQuoted(t *testing.T) {
	const secrets = "xyzzy 73310 1973" // a number may be a secret too
	n := 0
	for _, mistake := range []string{
		"[xyzzy]", "%s = [\"a\", xyzzy]", "%s = xyzzy", "%s = \"xyzzy", "%s = 'xyzzy", "%s = \"\"\"xyzzy", "%s = \"xyzzy\\q\"",
		"%s = \"\\xyzzy\"", "%s = \"\\uxyzzy\"", "%s = \"xyzzy\" xyzzy", "%s = \"xyzzy\\u0000\"", "%s = 73310_", "%s = 073310",
		"%s = 733107331073310733107331073310", "%s = 73310.", "%s = 73310.x", "%s = 73310.7x", "%s = 1e73310", "%s = 1e73310x", "%s = 1973-03-10x",
		"%s = 1973-73-10", "%s = 0x73310xyzzy", "%s = 0b73310", "%s = 0o73310", "%s = +0x73310", "%s = 73310", "%s = 73310.5",
		"%s = truexyzzy", "%s = xyzzy73310", "%s = [73310]", "%s = {xyzzy = 1, a = \"xyzzy\"}", "%s = true", "%s = \"a\"\n%[1]s = \"xyzzy\"",
		"%s = [\"xyzzy\" \"xyzzy\"]", "%s = [\"xyzzy\"", "%s = \"xyzzy\n\"", "%s xyzzy", "%s: xyzzy", "%s = \"xyz\x01zy xyzzy\"", "%s = \"xyzzy\xff\"",
	} {
		for _, key := range []string{"cmd", "shell", "env.PASSWORD", "env", "pass_env", "notify.on_failure", "env_file.x"} {
			text := mistake
			if strings.Contains(mistake, "%") {
				text = fmt.Sprintf(mistake, key)
			}
			_, errs := parseAs(t, someHost(t, 0), "t.toml", "enabled = 1\n"+text+"\n")
			if len(errs) == 0 {
				t.Errorf("no mistake: %s", text)
			}
			n += len(errs)
			for _, secret := range strings.Fields(secrets) {
				for line := range strings.Lines(lines(errs)) {
					if strings.Contains(line, secret) && !strings.Contains(line, "xyzzy: unknown key") { // keys are shown
						t.Errorf("%s\nis quoted: %s", text, line)
					}
				}
			}
		}
	}
	for file, text := range map[string]string{
		"pair.toml": `pass_env = ["PASSWORD=xyzzy"]`,
		"key.toml":  `env = {"PASSWORD=xyzzy" = "a"}`,
		"env.toml":  `PASSWORD=xyzzy`, // the syntax of an env_file
		"word.json": `{"env": {"PASSWORD": xyzzy}}`,
		"open.json": `{"env": {"PASSWORD": "xyzzy}}`,
		"num.json":  `{"env": {"PASSWORD": 73310xyzzy}}`,
		"list.json": `{"env": {"PASSWORD": ["xyzzy"]}, "shell": ["xyzzy"], "cmd": "xyzzy"}`,
		"two.json":  `{"env": {"PASSWORD": "xyzzy" "xyzzy"}}`,
		"esc.json":  `{"env": {"PASSWORD": "\xyzzy"}}`,
	} {
		_, errs := parseAs(t, someHost(t, 0), file, text)
		if said := lines(errs); said == "" || strings.Contains(said, "xyz") || strings.Contains(said, "73310") {
			t.Errorf("%s: %q", text, said)
		}
		n += len(errs)
	}
	t.Log(n, "errors")
}
