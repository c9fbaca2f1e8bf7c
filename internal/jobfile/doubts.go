package jobfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// Doubt is a warning about something allowed that is probably a mistake: the key, and what to write instead.
type Doubt struct{ Key, Text string }

// Doubts returns warnings about definitions: probable mistakes, and names of things that do not exist on this machine.
// It looks at nothing on a file system that can hang, and checks no jobs of machines other than host.
func Doubts(defs []*Definition, host string) map[*Definition][]Doubt {
	h := thisHost(time.Now())
	all := map[*Definition][]Doubt{}
	for _, d := range defs {
		list := d.wordDoubts()
		if d.ActiveOn(host) {
			list = append(list, h.lacks(d)...)
			list = append(list, h.tooTight(d)...)
		}
		if list != nil {
			all[d] = list
		}
	}
	return all
}

// Doubts returns warnings about the settings. mailed is true if some job sends mail.
func (c *Config) Doubts(mailed bool) (list []Doubt) {
	h := thisHost(time.Now())
	list = h.mailDoubts(c, mailed)
	exposed := c.isExposed()
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		t := c.Targets[name]
		list = append(list, h.targetDoubts(t)...)
		if exposed && t.URL != "" && (t.Preset == PresetSlack || t.Preset == PresetHealthchecks) { // their URLs are passwords
			list = append(list, Doubt{join("notify", join(name, "url")), exposedText})
		}
	}
	if b := c.Heartbeat; b != nil {
		if exposed && b.URL != "" {
			list = append(list, Doubt{"heartbeat.url", exposedText})
		}
		list = append(list, h.noFile("heartbeat.url_file", b.URLFile)...)
		list = append(list, h.noFile("heartbeat.headers_file", b.HeadersFile)...)
	}
	return list
}

const exposedText = "every user can read this file, and whoever knows the URL can use it: move it to a file of mode 0600 and write url_file"

// isExposed reports whether every user can read the file and enter all directories above it.
func (c *Config) isExposed() bool {
	path, err := filepath.Abs(c.File)
	for bit := os.FileMode(0o004); err == nil; bit = 0o001 {
		var st os.FileInfo
		if st, err = os.Stat(path); err != nil || st.Mode()&bit == 0 {
			return false
		}
		if path == filepath.Dir(path) {
			return true
		}
		path = filepath.Dir(path)
	}
	return false
}

// mailDoubts returns the warnings about sending mail.
func (h *host) mailDoubts(c *Config, mailed bool) []Doubt {
	if text := oneWord(c.Mail.Sendmail); text != "" {
		return []Doubt{{"mail.sendmail", text}}
	}
	key := "mail.sendmail"
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		if c.Targets[name].Mail != nil && !mailed {
			key, mailed = join("notify", join(name, "mail")), true
		}
	}
	if len(c.Mail.To) > 0 {
		key, mailed = "mail.to", true
	}
	if why := h.noMailer(c); mailed && why != "" {
		return []Doubt{{key, "cannot send mail: " + why}}
	}
	return nil
}

// targetDoubts returns the warnings about one target, except for those about mail.
func (h *host) targetDoubts(t *Target) (list []Doubt) {
	prefix := join("notify", t.Name)
	list = append(list, h.noFile(join(prefix, "url_file"), t.URLFile)...)
	list = append(list, h.noFile(join(prefix, "headers_file"), t.HeadersFile)...)
	if t.Cmd == nil {
		return list
	}
	if text := cmp.Or(oneWord(t.Cmd), shellWords(t.Cmd), h.noTargetProgram(t.Cmd[0])); text != "" {
		list = append(list, Doubt{join(prefix, "cmd"), text})
	}
	return list
}

// noTargetProgram says that the program of a target does not exist.
func (h *host) noTargetProgram(name string) string {
	if strings.Contains(name, "/") {
		return h.noProgram(&Definition{Rules: &Rules{}}, name)
	}
	if program, known := h.Programs.Search(DefaultPath, name); program != "" || !known {
		return ""
	}
	return fmt.Sprintf("%q is in no directory of PATH (%s): write its whole path", name, DefaultPath)
}

// noFile warns that a file does not exist; "" is no file.
func (h *host) noFile(key, file string) []Doubt {
	if file == "" || !h.isMissing(file) {
		return nil
	}
	return []Doubt{{key, "there is no file " + plain.Word(file)}}
}

// wordDoubts returns the warnings that need nothing but the words of the definition.
func (d *Definition) wordDoubts() (list []Doubt) {
	commands := map[string][]string{}
	if !d.Shell {
		commands["cmd"] = d.Argv
	}
	if n := d.Notify; n != nil {
		for _, c := range n.Commands() {
			commands[join("notify", c.Key)] = c.Argv
		}
	}
	for key, argv := range commands {
		if text := cmp.Or(oneWord(argv), shellWords(argv)); text != "" {
			list = append(list, Doubt{key, text})
		}
	}
	for _, v := range d.Env {
		name, value, _ := strings.Cut(v, "=")
		if found := expansion.FindString(value); found != "" {
			list = append(list, Doubt{join("env", name), fmt.Sprintf("%s is not expanded here: %s", found, expanded(name))})
		}
	}
	slices.SortStableFunc(list, func(a, b Doubt) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// expansion matches variables that people expect jobsd to replace in a value.
var expansion = regexp.MustCompile(`\$(PATH|HOME|USER)\b|\$\{(PATH|HOME|USER)\}`)

func expanded(name string) string {
	if name == "PATH" {
		return "use extra_path to add directories to PATH"
	}
	return "write the value itself"
}

// oneWord warns about a command of one word that looks like several.
func oneWord(argv []string) string {
	if len(argv) != 1 || !strings.ContainsAny(strings.TrimSpace(argv[0]), " \t\n") {
		return ""
	}
	if _, err := os.Lstat(argv[0]); filepath.IsAbs(argv[0]) && err == nil {
		return "" // the name of the program has a blank
	}
	if strings.ContainsAny(argv[0], "\"'\\$`|&;<>*?(") {
		return "this runs without a shell, so it is the name of one program: write shell = ... instead of a list"
	}
	var words []string
	for word := range strings.FieldsSeq(argv[0]) {
		words = append(words, strconv.Quote(word))
	}
	return "this is the name of one program, with blanks in it: write [" + strings.Join(words, ", ") + "]"
}

var (
	// operator matches a word that only a shell understands.
	operator = regexp.MustCompile(`^(\||\|\||&&|;|&|[0-9]?>{1,2}|[0-9]?>&[0-9]|&>{1,2}|<|<<)$|^[0-9]?>{1,2}/`)
	// shellVariable matches a variable that only a shell replaces. Names of one letter do not count: $NF and $1 belong
	// to awk.
	shellVariable = regexp.MustCompile(`\$\{?[A-Z_][A-Z0-9_]{2,}\}?|\$\([a-z]`)
)

// readers are programs that take programs, patterns or commands as arguments, so a $ or * there is meant for them.
var readers = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "awk", "gawk", "mawk", "perl", "python", "python3", "ruby",
	"php", "node", "jq", "sed", "grep", "egrep", "fgrep", "find", "ssh", "psql", "mysql", "sqlite3", "expect", "make", "xargs",
	"systemd-run", "docker", "podman", "kubectl", "su", "runuser", "parallel", "envsubst"}

// globbers are programs that people often call with file patterns, which only a shell replaces.
var globbers = []string{"rm", "cp", "mv", "ls", "cat", "chmod", "chown", "chgrp", "gzip", "bzip2", "xz", "zstd", "touch", "ln", "rmdir",
	"wc", "head", "tail", "md5sum", "sha1sum", "sha256sum", "shred", "stat"}

// shellWords warns about arguments that only a shell understands.
func shellWords(argv []string) string {
	const instead = ": write it as shell = \"...\""
	for i, word := range argv {
		reads := slices.ContainsFunc(argv[:i], func(w string) bool { return slices.Contains(readers, path.Base(w)) })
		switch {
		case i > 0 && reads:
			return ""
		case i > 0 && operator.MatchString(word):
			return fmt.Sprintf("this runs without a shell, so %q is an ordinary argument%s", word, instead)
		case shellVariable.MatchString(word):
			return fmt.Sprintf("this runs without a shell, so %s is not replaced%s", shellVariable.FindString(word), instead)
		case strings.HasPrefix(word, "~/"):
			return "this runs without a shell, so ~ is not replaced: write the path of the home directory"
		case i > 0 && strings.ContainsAny(word, "*?") && strings.Contains(word, "/") && slices.Contains(globbers, path.Base(argv[0])):
			return fmt.Sprintf("this runs without a shell, so %q is not replaced with file names%s", word, instead)
		}
	}
	return ""
}

// lacks returns warnings about files and programs that the job names and that do not exist.
func (h *host) lacks(d *Definition) (list []Doubt) {
	if d.Dir != "" && h.isMissing(d.Dir) {
		list = append(list, Doubt{"dir", "there is no directory " + plain.Word(d.Dir)})
	}
	list = append(list, h.noFile("env_file", d.EnvFile)...)
	if !d.Shell {
		list = append(list, h.notExecutable(d, "cmd", d.Argv)...)
	}
	if n := d.Notify; n != nil {
		for _, c := range n.Commands() {
			list = append(list, h.notExecutable(d, join("notify", c.Key), c.Argv)...)
		}
	}
	return list
}

// notExecutable warns that the program of a command does not exist, or that the user of the job cannot execute it.
func (h *host) notExecutable(d *Definition, key string, argv []string) []Doubt {
	if len(argv) == 0 || oneWord(argv) != "" || strings.HasPrefix(argv[0], "~") {
		return nil
	}
	text := ""
	if program := h.program(d, argv[0]); program == "" {
		text = h.noProgram(d, argv[0])
	} else if u := d.User; u != nil && strings.Contains(argv[0], "/") { // otherwise a later directory of PATH may have it
		if what := h.Programs.Obstacle(u, program); what != "" {
			text = fmt.Sprintf("%s cannot be executed by the user %s: see the permissions of %s", plain.Word(program), u.Name, plain.Word(what))
		}
	}
	if text == "" {
		return nil
	}
	return []Doubt{{key, text}}
}

// isMissing reports whether a path certainly does not exist, for any user.
func (h *host) isMissing(file string) bool {
	_, err := h.Programs.Mode(file)
	return errors.Is(err, fs.ErrNotExist)
}

// noProgram says that the program is not in the PATH of the job. It returns "" if only the start of a run can find out,
// for example because this process may not read a folder.
func (h *host) noProgram(d *Definition, name string) string {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(h.dirOf(d), name)
		}
		switch mode, err := h.Programs.Mode(file); {
		case errors.Is(err, fs.ErrNotExist):
			return "there is no program " + plain.Word(file)
		case err == nil && mode&unix.S_IFMT == unix.S_IFREG && mode&0o111 == 0:
			return plain.Word(file) + " cannot be executed: chmod +x " + trust.Quote(file)
		}
		return ""
	}
	if d.EnvFile != "" || slices.Contains(d.PassEnv, "PATH") { // the daemon's PATH may differ from ours
		return ""
	}
	search := d.Path("")
	for dir := range strings.SplitSeq(search, ":") {
		if !filepath.IsAbs(dir) || !h.isMissing(filepath.Join(dir, name)) {
			return ""
		}
	}
	text := fmt.Sprintf("%q is in no directory of the job's PATH (%s)", name, search)
	if dir := h.ownDirectory(name); dir != "" {
		text += fmt.Sprintf("; your own PATH has it: extra_path = [%q]", dir)
	}
	return text
}

// ownDirectory returns the directory of this process's PATH that contains a program. People who try a command in their
// shell first do not expect that jobs do not inherit that PATH.
func (h *host) ownDirectory(program string) string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		mode, err := h.Programs.Mode(filepath.Join(dir, program))
		if err == nil && filepath.IsAbs(dir) && mode&unix.S_IFMT == unix.S_IFREG && mode&0o111 != 0 {
			return dir
		}
	}
	return ""
}
