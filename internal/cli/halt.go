package cli

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
)

// These commands shut the machine down or put it to sleep: halts with any arguments, haltsWith only with certain arguments.
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

// prefixes may stand in front of a command: words of the shell, and programs that run another program.
var prefixes = []string{"if", "then", "elif", "else", "while", "until", "do", "!", "{", "(", "time", "exec", "command",
	"sudo", "doas", "env", "nice", "ionice", "nohup", "setsid"}

// shells take a script after -c.
var shells = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"}

// haltingCommand returns the command with which a job shuts its machine down, "" if it finds none. It only looks at the
// words of a script and does not parse the shell language.
func haltingCommand(d *jobfile.Definition) string {
	argv := d.Argv
	if len(argv) > 2 && slices.Contains(shells, path.Base(argv[0])) && strings.HasSuffix(argv[1], "c") {
		return haltingScript(argv[2])
	}
	return halting(argv)
}

// commandEnd matches what separates the commands of a script, and comments.
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

// halting returns the command in words, without its prefixes, if it shuts the machine down.
func halting(words []string) string {
	for ; len(words) > 0; words = words[1:] {
		name := path.Base(words[0])
		arguments := words[1:]
		switch {
		case slices.Contains(halts, name):
			if name == "shutdown" && (slices.Contains(arguments, "-c") || slices.Contains(arguments, "-k")) {
				return "" // cancels a shutdown, or only warns of one
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
		case !slices.Contains(prefixes, name) && !passedOver(words[0]):
			return ""
		}
	}
	return ""
}

// passedOver reports whether a word may stand between sudo, nice or env and the command that it runs: an option, a number
// or an assignment.
func passedOver(word string) bool {
	return strings.HasPrefix(word, "-") || strings.Contains(word, "=") || strings.Trim(word, "0123456789") == ""
}
