package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"jobsd/internal/trust"
)

// Doubt is what is allowed and hardly meant: the key, and what to write instead.
type Doubt struct{ Key, Text string }

// Doubts says what is hardly meant in definitions, and what they name that is not on this machine, each with its
// definition. Nothing is looked for on a file system that can hang, nor for jobs of other machines than host.
func Doubts(defs []*Definition, host string) map[*Definition][]Doubt {
	h := thisHost(time.Now())
	all := map[*Definition][]Doubt{}
	for _, d := range defs {
		list := d.wordDoubts()
		if d.ActiveOn(host) {
			list = append(list, h.lacks(d)...)
		}
		if list != nil {
			all[d] = list
		}
	}
	return all
}

// Doubts says what is hardly meant in the settings. mailed tells that some job sends mail.
func (c *Config) Doubts(mailed bool) (list []Doubt) {
	h := thisHost(time.Now())
	if text := oneWord(c.Mail.Sendmail); text != "" {
		return []Doubt{{"mail.sendmail", text}}
	}
	key := "mail.sendmail"
	if len(c.Mail.To) > 0 {
		key, mailed = "mail.to", true
	}
	if why := h.noMailer(c); mailed && why != "" {
		list = append(list, Doubt{key, "no mail can be sent: " + why})
	}
	return list
}

// wordDoubts are about what can be seen in the words alone.
func (d *Definition) wordDoubts() (list []Doubt) {
	commands := []struct {
		key  string
		argv []string
	}{{"cmd", d.Argv}}
	if d.Shell {
		commands = nil
	}
	if n := d.Notify; n != nil {
		for key, argv := range map[string][]string{"on_failure": n.OnFailure, "on_success": n.OnSuccess, "on_recovery": n.OnRecovery} {
			commands = append(commands, struct {
				key  string
				argv []string
			}{"notify." + key, argv})
		}
	}
	for _, c := range commands {
		text := oneWord(c.argv)
		if text == "" {
			text = shellWords(c.argv)
		}
		if text != "" {
			list = append(list, Doubt{c.key, text})
		}
	}
	for _, v := range d.Env {
		name, value, _ := strings.Cut(v, "=")
		if found := expansion.FindString(value); found != "" {
			list = append(list, Doubt{join("env", name), fmt.Sprintf("%s in its value is not expanded; %s", found, expanded(name))})
		}
	}
	slices.SortStableFunc(list, func(a, b Doubt) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// expansion is a variable that somebody expects to be replaced in a value.
var expansion = regexp.MustCompile(`\$(PATH|HOME|USER)\b|\$\{(PATH|HOME|USER)\}`)

func expanded(name string) string {
	if name == "PATH" {
		return "put directories in front of PATH by extra_path"
	}
	return "write it out"
}

// oneWord doubts a command of one word that looks like several.
func oneWord(argv []string) string {
	if len(argv) != 1 || !strings.ContainsAny(strings.TrimSpace(argv[0]), " \t\n") {
		return ""
	}
	if _, err := os.Lstat(argv[0]); filepath.IsAbs(argv[0]) && err == nil {
		return "" // the program's name has a blank
	}
	if strings.ContainsAny(argv[0], "\"'\\$`|&;<>*?(") {
		return "this is one word, which no shell reads: write shell = ... instead of a list"
	}
	var words []string
	for word := range strings.FieldsSeq(argv[0]) {
		words = append(words, strconv.Quote(word))
	}
	return "this is one word, the name of a program with blanks: write [" + strings.Join(words, ", ") + "]"
}

var (
	// operator is a word that only a shell understands.
	operator = regexp.MustCompile(`^(\||\|\||&&|;|&|[0-9]?>{1,2}|[0-9]?>&[0-9]|&>{1,2}|<|<<)$|^[0-9]?>{1,2}/`)
	// variable is one that only a shell replaces. Names have two letters at least, for $NF and $1 are of awk.
	shellVariable = regexp.MustCompile(`\$\{?[A-Z_][A-Z0-9_]{2,}\}?|\$\([a-z]`)
)

// readers are programs whose arguments are programs, patterns or commands themselves: a $ or * in them is theirs.
var readers = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "awk", "gawk", "mawk", "perl", "python", "python3", "ruby",
	"php", "node", "jq", "sed", "grep", "egrep", "fgrep", "find", "ssh", "psql", "mysql", "sqlite3", "expect", "make", "xargs",
	"systemd-run", "docker", "podman", "kubectl", "su", "runuser", "parallel", "envsubst"}

// globbers are programs that everybody gives files by patterns, which a shell would replace.
var globbers = []string{"rm", "cp", "mv", "ls", "cat", "chmod", "chown", "chgrp", "gzip", "bzip2", "xz", "zstd", "touch", "ln", "rmdir",
	"wc", "head", "tail", "md5sum", "sha1sum", "sha256sum", "shred", "stat"}

// shellWords doubts arguments that only a shell would understand.
func shellWords(argv []string) string {
	const instead = ": write it as shell = \"...\""
	for i, word := range argv {
		reads := slices.ContainsFunc(argv[:i], func(w string) bool { return slices.Contains(readers, path.Base(w)) })
		switch {
		case i > 0 && reads:
			return ""
		case i > 0 && operator.MatchString(word):
			return fmt.Sprintf("no shell reads this, and %q is an argument like any other%s", word, instead)
		case shellVariable.MatchString(word):
			return fmt.Sprintf("no shell reads this, and %s is not replaced%s", shellVariable.FindString(word), instead)
		case strings.HasPrefix(word, "~/"):
			return "no shell reads this, and ~ is not replaced: write the home directory out"
		case i > 0 && strings.ContainsAny(word, "*?") && strings.Contains(word, "/") && slices.Contains(globbers, path.Base(argv[0])):
			return fmt.Sprintf("no shell reads this, and no files are put in place of %q%s", word, instead)
		}
	}
	return ""
}

// lacks says what a job names that is not there.
func (h *host) lacks(d *Definition) (list []Doubt) {
	if d.Dir != "" && h.isMissing(d.Dir) {
		list = append(list, Doubt{"dir", "there is no directory " + printable(d.Dir)})
	}
	if d.EnvFile != "" && h.isMissing(d.EnvFile) {
		list = append(list, Doubt{"env_file", "there is no file " + printable(d.EnvFile)})
	}
	if name := d.Argv[0]; !d.Shell && d.Program == "" && oneWord(d.Argv) == "" && !strings.HasPrefix(name, "~") {
		if text := h.noProgram(d, name); text != "" {
			list = append(list, Doubt{"cmd", text})
		}
	}
	return list
}

// isMissing tells whether a path is not there, for sure and for all.
func (h *host) isMissing(file string) bool {
	target, safe := h.programs.resolve(file)
	if !safe {
		return false
	}
	_, err := os.Lstat(target)
	return errors.Is(err, fs.ErrNotExist)
}

// noProgram says that there is no such program in the PATH of the job; "" where only its start can tell, such as for
// folders that whoever asks may not look into.
func (h *host) noProgram(d *Definition, name string) string {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(h.dirOf(d), name)
		}
		if h.isMissing(file) {
			return "there is no program " + printable(file)
		}
		target, safe := h.programs.resolve(file)
		if !safe {
			return ""
		}
		if st, err := os.Lstat(target); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 == 0 {
			return printable(file) + " cannot be executed: chmod +x " + trust.Quote(file)
		}
		return ""
	}
	search, known := h.pathOf(d)
	if !known || slices.Contains(d.PassEnv, "PATH") { // the daemon's PATH may be another than ours
		return ""
	}
	for dir := range strings.SplitSeq(search, ":") {
		if !filepath.IsAbs(dir) || !h.isMissing(filepath.Join(dir, name)) {
			return ""
		}
	}
	text := fmt.Sprintf("%q is in no directory of its PATH (%s)", name, search)
	if dir := h.ownDirectory(name); dir != "" {
		text += fmt.Sprintf("; your PATH has it: extra_path = [%q]", dir)
	}
	return text
}

// ownDirectory returns the directory of the reader's own PATH in which a program is. Jobs do not inherit that PATH, which
// whoever tries a command in a shell first does not expect.
func (h *host) ownDirectory(program string) string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		target, safe := h.programs.resolve(filepath.Join(dir, program))
		if !safe {
			continue
		}
		if st, err := os.Lstat(target); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return dir
		}
	}
	return ""
}
