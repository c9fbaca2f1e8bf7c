package plain

import "testing"

func TestPlain(t *testing.T) {
	for in, want := range map[string][3]string{ // as a word, a line and a text
		"plain größe":         {"plain größe", "plain größe", "plain größe"},
		"":                    {"", "", ""},
		"a\nb\tc":             {`"a\nb\tc"`, `a\nb\tc`, "a\nb\tc"},
		"\x1b[2J\x1b]0;x\a":   {`"\x1b[2J\x1b]0;x\a"`, `\x1b[2J\x1b]0;x\a`, `\x1b[2J\x1b]0;x\a`},
		"\u009b2J\x7f":        {`"\u009b2J\x7f"`, `\u009b2J\x7f`, `\u009b2J\x7f`},
		"\x9b2J\xff":          {`"\x9b2J\xff"`, `\x9b2J\xff`, `\x9b2J\xff`},
		"a\r\nb\u202eevil":    {`"a\r\nb\u202eevil"`, `a\r\nb\u202eevil`, "a\\r\nb\\u202eevil"},
		"\ufffd stays \u00a0": {"\"\ufffd stays \\u00a0\"", "\ufffd stays \u00a0", "\ufffd stays \u00a0"},
	} {
		if got := [3]string{Word(in), Line(in), Text(in)}; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
