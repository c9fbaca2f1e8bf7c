package jobfile

import (
	"math"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// checkedText is a string for which check finds nothing wrong.
func checkedText(name string, s func() schema, check func(r *reader, n *node, s string) bool) typ[string] {
	return typ[string]{
		name: name,
		read: func(r *reader, n *node) (string, bool) {
			if n.kind != text {
				r.wrong(n, "a string")
				return "", false
			}
			return n.text, check(r, n, n.text)
		},
		print:  printText[string],
		schema: s,
		write:  writeText[string],
	}
}

// noNUL refuses what no argument, path or variable can hold.
func noNUL(r *reader, n *node, s string) bool {
	if strings.ContainsRune(s, 0) {
		r.fail(n, "holds a NUL character, which ends a string in Unix")
		return false
	}
	return true
}

// MaxArgument is how many bytes an argument, a script or a variable with its name may have. Linux executes nothing that
// has a string of 128 KiB, and the process that becomes a job of another user gets each of them behind a short name.
const MaxArgument = 128<<10 - 64

// fits refuses what is too long to be executed.
func fits(r *reader, n *node, size int) bool {
	if size > MaxArgument {
		r.fail(n, "is %d bytes long; Linux executes nothing with more than %d in one piece: put it into a file", size, MaxArgument)
		return false
	}
	return true
}

var (
	anyText = checkedText("string", textSchema, noNUL)

	argument = checkedText("string", textSchema, func(r *reader, n *node, s string) bool {
		return noNUL(r, n, s) && fits(r, n, len(s))
	})

	script = checkedText("string", someTextSchema, func(r *reader, n *node, s string) bool {
		if strings.TrimSpace(s) == "" {
			r.fail(n, "must not be empty")
			return false
		}
		return noNUL(r, n, s) && fits(r, n, len(s))
	})

	jobName = checkedText("string", nameSchema, func(r *reader, n *node, s string) bool {
		if why := badName(s); why != "" {
			r.fail(n, "%q %s", s, why)
			return false
		}
		return true
	})

	hostName = checkedText("string", matching(`^\S+$`), func(r *reader, n *node, s string) bool {
		if s == "" || len(s) > 253 || !madeOf(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-_") {
			r.fail(n, "%q is not a host name", s)
			return false
		}
		return true
	})

	hostGlob = checkedText("string", matching(`^[^/]+$`), func(r *reader, n *node, s string) bool {
		if _, err := path.Match(s, ""); s == "" || err != nil || strings.Contains(s, "/") {
			r.fail(n, "%q is not a pattern of host names, such as \"web-*\"", s)
			return false
		}
		return true
	})

	mailAddress = checkedText("string", matching(`^[^-,\x00- \x7f][^,\x00- \x7f]*$`), func(r *reader, n *node, s string) bool {
		unprintable := func(c rune) bool { return c <= ' ' || c == 0x7f || c == ',' }
		if s == "" || s[0] == '-' || strings.ContainsFunc(s, unprintable) {
			r.fail(n, "%q is not a mail address", s)
			return false
		}
		return true
	})

	passedVariable = checkedText("string", passedSchema, func(r *reader, n *node, s string) bool {
		why := badVariable(s)
		if prefix, ok := strings.CutSuffix(s, "_*"); ok && why == notVariable && (prefix == "" || badVariable(prefix) == "") {
			return true
		}
		if why == notVariable && strings.ContainsAny(s, "*?[") {
			why = `is not a pattern of variables: only PREFIX_* is one, such as "LC_*"`
		}
		if why != "" {
			r.fail(n, "%q %s", withoutValue(s), why)
			return false
		}
		return true
	})
)

// maxName is how many characters the name of a job may have.
const maxName = 64

// BadName returns what is wrong with the name of a job, "" if nothing is.
func BadName(s string) string { return string(badName(s)) }

// badName returns what is wrong with the name of a job or a lock, "" if nothing is.
func badName(s string) known {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-"
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > maxName:
		return "is longer than 64 characters"
	case s[0] == '.' || s[0] == '-':
		return "must not begin with . or -"
	case !madeOf(s, letters):
		return "must be made of letters, digits and . _ @ - only"
	case strings.EqualFold(s, "jobsd"):
		return "is the daemon's own"
	}
	return ""
}

func nameSchema() schema {
	return pattern("^[A-Za-z0-9_@][A-Za-z0-9._@-]{0,63}$").with(schema{"not": schema{"pattern": "^[jJ][oO][bB][sS][dD]$"}})
}

func madeOf(s, letters string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(letters, c) })
}

// notVariable is the usual thing that is wrong with the name of a variable.
const notVariable = known("is not the name of a variable")

// notInVariables are the characters that no program expects in a name, and that a shell or a list was meant by.
const notInVariables = "=*?[]{}()$\"'`,;|&<>\\"

// badVariable returns what is wrong with the name of an environment variable.
func badVariable(s string) known {
	strange := func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(notInVariables, c) }
	switch {
	case strings.HasPrefix(s, "JOBSD_"):
		return "is set by jobsd itself"
	case s == "" || strings.ContainsFunc(s, strange):
		return notVariable
	}
	return ""
}

const variablePattern = `^[^\x00- \x7f=*?\[\]{}()$"'` + "`" + `,;|&<>\\]+`

// passedSchema is that of the name of a variable or of PREFIX_*.
func passedSchema() schema {
	return pattern(variablePattern + `(\*)?$`).with(schema{"not": schema{"pattern": `^JOBSD_|[^_]\*$`}, "examples": []string{"DISPLAY", "LC_*"}})
}

func variableSchema() schema {
	return pattern(variablePattern + "$").with(schema{"not": schema{"pattern": "^JOBSD_"}})
}

// withoutValue hides the value, which may be a secret, of what was written as NAME=value where a name belongs.
func withoutValue(s string) string {
	name, value, _ := strings.Cut(s, "=")
	if value == "" {
		return s
	}
	return name + "=..."
}

// file is the path of a file or folder. A relative one counts from the folder of the file that names it.
var file = typ[string]{
	name: "path",
	read: func(r *reader, n *node) (string, bool) {
		switch {
		case n.kind != text:
			r.wrong(n, "a path (a string)")
		case n.text == "":
			r.fail(n, "must not be empty")
		case n.text[0] == '~':
			r.fail(n, "%q: ~ is not expanded, write the home directory out", n.text)
		case !noNUL(r, n, n.text):
		case filepath.IsAbs(n.text):
			return n.text, true
		default:
			return filepath.Join(n.src.dir, n.text), true
		}
		return "", false
	},
	print:  printText[string],
	schema: matching("^[^~]"),
	write:  writeText[string],
}

// account is the name or the number of a user or group.
var account = typ[string]{
	name: "name or number",
	read: func(r *reader, n *node) (string, bool) {
		switch {
		case n.kind == integer && n.num >= 0 && n.num < math.MaxUint32: // the last one means "leave as is" to chown(2)
			return strconv.FormatInt(n.num, 10), true
		case n.kind == integer:
			r.fail(n, "%d is not a valid number of a user or group", n.num)
		case n.kind != text:
			r.wrong(n, "a name or a number")
		case n.text == "":
			r.fail(n, "must not be empty")
		default:
			return n.text, true
		}
		return "", false
	},
	schema: func() schema {
		return schema{"type": []string{"string", "integer"}, "minLength": 1, "minimum": 0, "maximum": math.MaxUint32 - 1}
	},
	write: writeText[string],
}

// signalWords are the signals of all systems that may end something, those that usually do so first, for editors to
// offer. Which of them there are is for the system to say.
const signalWords = "TERM INT HUP QUIT USR1 USR2 KILL ABRT ALRM BUS CHLD CLD CONT EMT FPE ILL INFO IO IOT LIBRT LWP PIPE " +
	"POLL PROF PWR SEGV STKFLT SYS THR TRAP URG VTALRM WINCH XCPU XFSZ"

// signalName is the name of a signal that can be sent to end something, with or without SIG.
var signalName = typ[string]{
	name: "signal name",
	read: func(r *reader, n *node) (string, bool) {
		if n.kind != text {
			r.wrong(n, `the name of a signal, such as "TERM"`)
			return "", false
		}
		name := strings.TrimPrefix(n.text, "SIG")
		switch {
		case name == "STOP" || name == "TSTP" || name == "TTIN" || name == "TTOU":
			r.fail(n, "%q halts a process and does not end it", n.text)
		case unix.SignalNum("SIG"+name) == 0:
			r.fail(n, `%q is not a signal: use a name such as "TERM", "INT" or "USR1"`, n.text)
		default:
			return name, true
		}
		return "", false
	},
	print: printText[string],
	schema: func() schema {
		var words []string
		for name := range strings.FieldsSeq(signalWords) {
			words = append(words, name, "SIG"+name)
		}
		return schema{"enum": words}
	},
	write: writeText[string],
}
