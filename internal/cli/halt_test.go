package cli

import (
	"testing"

	"jobsd/internal/jobfile"
)

func TestHaltingCommand(t *testing.T) {
	for _, test := range []struct {
		want string
		argv []string
	}{
		{"shutdown", []string{"shutdown", "-h", "now"}},
		{"poweroff", []string{"/usr/sbin/poweroff"}},
		{"reboot", []string{"sudo", "-n", "reboot"}},
		{"halt", []string{"nice", "-n", "5", "halt"}},
		{"shutdown", []string{"sudo", "-u", "root", "shutdown", "now"}},
		{"shutdown", []string{"env", "LANG=C", "shutdown", "now"}},
		{"systemctl suspend", []string{"systemctl", "suspend"}},
		{"systemctl poweroff", []string{"systemctl", "--no-wall", "poweroff"}},
		{"systemctl hibernate", []string{"/bin/systemctl", "-i", "hibernate"}},
		{"init 6", []string{"init", "6"}},
		{"pmset sleepnow", []string{"pmset", "sleepnow"}},
		{"", []string{"systemctl", "restart", "reboot-watcher"}},
		{"", []string{"shutdown", "-c"}},
		{"", []string{"shutdown", "-k", "now"}},
		{"", []string{"init", "3"}},
		{"", []string{"echo", "reboot"}},
		{"", []string{"backup", "--then", "poweroff"}},
		{"", []string{"backup-before-shutdown"}},
		{"", []string{"sudo"}},
		{"", []string{"sudo", "-u"}},
		{"", nil},

		{"poweroff", []string{"/bin/sh", "-c", "poweroff"}},
		{"poweroff", []string{"bash", "-ec", "sync; poweroff"}},
		{"shutdown", []string{"/bin/sh", "-c", "if on_ac\nthen shutdown -h now\nfi"}},
		{"shutdown", []string{"/bin/sh", "-c", "backup && sudo /sbin/shutdown +5"}},
		{"systemctl reboot", []string{"/bin/sh", "-c", "[ -e /run/reboot-required ] && systemctl \\\n reboot"}},
		{"reboot", []string{"/bin/sh", "-c", "(sleep 5; reboot) &"}},
		{"reboot", []string{"/bin/sh", "-c", "'reboot' || true"}},
		{"", []string{"/bin/sh", "-c", "echo shutdown at noon"}},
		{"", []string{"/bin/sh", "-c", "grep -c reboot /var/log/wtmp.txt"}},
		{"", []string{"/bin/sh", "-c", "# reboot\ntrue # ; reboot"}},
		{"", []string{"/bin/sh", "-c", ""}},
	} {
		if got := haltingCommand(&jobfile.Definition{Argv: test.argv, Rules: &jobfile.Rules{}}); got != test.want {
			t.Errorf("%q: got %q, want %q", test.argv, got, test.want)
		}
	}
}
