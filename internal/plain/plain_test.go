package plain

import "testing"

func TestPlain(t *testing.T) {
	for in, want := range map[string][2]string{ // as a word and a line
		"plain größe":         {"plain größe", "plain größe"},
		"":                    {"", ""},
		"a\nb\tc":             {`"a\nb\tc"`, `a\nb\tc`},
		"\x1b[2J\x1b]0;x\a":   {`"\x1b[2J\x1b]0;x\a"`, `\x1b[2J\x1b]0;x\a`},
		"\u009b2J\x7f":        {`"\u009b2J\x7f"`, `\u009b2J\x7f`},
		"\x9b2J\xff":          {`"\x9b2J\xff"`, `\x9b2J\xff`},
		"a\r\nb\u202eevil":    {`"a\r\nb\u202eevil"`, `a\r\nb\u202eevil`},
		"\ufffd stays \u00a0": {"\"\ufffd stays \\u00a0\"", "\ufffd stays \u00a0"},
	} {
		if got := [2]string{Word(in), Line(in)}; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"äöüß", "äöüß"}, {"äöüß!", "äöüß..."},
	} {
		if got := Cut(test.text, 4); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestMask(t *testing.T) {
	if got := Mask("a\x1b[2J\u202eb\tc ü", '?'); got != "a?[2J?b?c ü" {
		t.Errorf("%q", got)
	}
}

func TestShell(t *testing.T) {
	for want, words := range map[string][]string{
		"''":                   {""},
		"/bin/sh -c 'echo $A'": {"/bin/sh", "-c", "echo $A"},
		"'A=b' c=d 'ü'":        {"A=b", "c=d", "ü"}, // the first word would be an assignment
		"dd if=/dev/zero":      {"dd", "if=/dev/zero"},
		`'it'\''s'`:            {"it's"},
	} {
		if got := Shell(words...); got != want {
			t.Errorf("%q: %s, want %s", words, got, want)
		}
	}
}
