package foreign

import "testing"

// TestGuard has lines of the kinds that packages install.
func TestGuard(t *testing.T) {
	for _, test := range []struct{ command, want string }{
		{"[ -x /usr/bin/a ] && /usr/bin/a", "[ ! -x /usr/bin/a ] || /usr/bin/a"},
		{"[ -x /usr/bin/a ] && /usr/bin/a >/dev/null 2>&1", "[ ! -x /usr/bin/a ] || /usr/bin/a >/dev/null 2>&1"},
		{"test -x /usr/bin/a && /usr/bin/a 1 1  ", "test ! -x /usr/bin/a || /usr/bin/a 1 1"},
		{"cd / ; [ -e a ] && b", "[ ! -e a ] || b"},
		{"command -v sa1 > /dev/null && sa1 1 1", "if command -v sa1 > /dev/null; then sa1 1 1; fi"},
		{"command -v sa1 &>/dev/null && sa1", "if command -v sa1 &>/dev/null; then sa1; fi"},
		{"[[ -x a ]] && a", "if [[ -x a ]]; then a; fi"},
		{`[ "$(date +%d)" -le 7 ] && a`, `if [ "$(date +%d)" -le 7 ]; then a; fi`},
		{`test -x /c -a \! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && c -q renew`,
			`if test -x /c -a \! -d /run/systemd/system; then perl -e 'sleep int(rand(43200))' && c -q renew; fi`},
		{"[ -x /etc/init.d/a ] && if [ ! -d /run/systemd/system ]; then a start; fi",
			"[ ! -x /etc/init.d/a ] || if [ ! -d /run/systemd/system ]; then a start; fi"},
		{"cd / && [ -d x ] && y", "if cd / && [ -d x ]; then y; fi"},
		{"test -e a && test -e b && c", "if test -e a && test -e b; then c; fi"},
		{"[ -x a ] && { b; c; }", "[ ! -x a ] || { b; c; }"},

		{"a && b", ""},
		{"[ -x a ] || b", ""},
		{"[ -x a ] && b || true", ""},
		{"[ -x a ] && b; true", ""},
		{"[ -x a ] && b; exit 0", ""},
		{"test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }", ""},
		{"if [ -x a ] && [ b ]; then c; fi", ""},
		{"echo '[ -x a ] && b'", ""},
		{"echo x [ -x a ] && b", ""},
		{"(test -x a && b)", ""}, // also a guard, but too deep to suggest a fix
		{"[ -x a ]", ""},
		{"[ -x a ] &&", ""},
		{"&& b", ""},
		{"&& [ -x a ] && b", ""},
		{"'", ""},
		{"$(", ""},
		{"", ""},
	} {
		if got := Guard(test.command); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.command, got, test.want)
		}
	}
}
