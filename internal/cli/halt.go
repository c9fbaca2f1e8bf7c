package cli

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
)

// Commands that take the machine down or put it to sleep: those that do it by themselves, and those that do it with
// certain words.
var (
	halts = []string{"shutdown", "poweroff", "reboot", "halt", "pm-suspend", "pm-hibernate", "pm-suspend-hybrid", "rtcwake",
		"zzz", "acpiconf"}
	haltsWith = map[string][]string{
		"systemctl": systemdHalts, "loginctl": systemdHalts, "init": {"0", "6"}, "telinit": {"0", "6"},
		"pmset": {"sleepnow"}, "busybox": halts,
	}
	systemdHalts = []string{"poweroff", "reboot", "halt", "kexec", "soft-reboot", "suspend", "hibernate", "hybrid-sleep",
		"suspend-then-hibernate", "sleep"}
)

// before stands in front of a command: words of the shell, and programs that run another.
var before = []string{"if", "then", "elif", "else", "while", "until", "do", "!", "{", "(", "time", "exec", "command",
	"sudo", "doas", "env", "nice", "ionice", "nohup", "setsid"}

// shells take a script after -c.
var shells = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"}

// haltingCommand returns the command with which a job takes its machine down, "" if it has none that we know. It
// looks at words as a person would; it does not run a shell's mind.
func haltingCommand(d *jobfile.Definition) string {
	argv := d.Argv
	if len(argv) > 2 && slices.Contains(shells, path.Base(argv[0])) && strings.HasSuffix(argv[1], "c") {
		return haltingScript(argv[2])
	}
	return halting(argv)
}

// commandEnd is what ends a command of a script, a comment included.
var commandEnd = regexp.MustCompile(`(?m)[;&|()\n]|(?:^|\s)#.*$`)

func haltingScript(script string) string {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for _, command := range commandEnd.Split(script, -1) {
		if found := halting(strings.Fields(strings.NewReplacer(`"`, "", `'`, "").Replace(command))); found != "" {
			return found
		}
	}
	return ""
}

// halting returns the command in words, without what stands before it, if it takes the machine down.
func halting(words []string) string {
	for ; len(words) > 0; words = words[1:] {
		name := path.Base(words[0])
		arguments := words[1:]
		switch {
		case slices.Contains(halts, name):
			if name == "shutdown" && (slices.Contains(arguments, "-c") || slices.Contains(arguments, "-k")) {
				return "" // calls one off, or only warns of one
			}
			return name
		case haltsWith[name] != nil:
			for _, word := range arguments {
				if slices.Contains(haltsWith[name], word) {
					return name + " " + word
				}
			}
			return ""
		case (words[0] == "-u" || words[0] == "-g") && len(arguments) > 0: // sudo -u root
			words = arguments
		case !slices.Contains(before, name) && !passedOver(words[0]):
			return ""
		}
	}
	return ""
}

// passedOver tells options, numbers and assignments, which stand between sudo, nice, env and the command that they run.
func passedOver(word string) bool {
	return strings.HasPrefix(word, "-") || strings.Contains(word, "=") || strings.Trim(word, "0123456789") == ""
}
