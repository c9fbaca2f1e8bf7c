package jobfile

import (
	"math"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// checkedText is a string that passes check.
func checkedText(name string, s func() schema, check func(r *reader, n *node, s string) bool) typ[string] {
	return typ[string]{
		name:   name,
		read:   of(text, "a string", func(r *reader, n *node) (string, bool) { return n.text, check(r, n, n.text) }),
		print:  printText[string],
		schema: s,
		write:  writeText[string],
	}
}

// noNUL refuses a NUL, which no argument, path or variable can contain.
func noNUL(r *reader, n *node, s string) bool {
	if strings.ContainsRune(s, 0) {
		return r.fail(n, "contains a NUL character, which no argument, path or variable can contain")
	}
	return true
}

// MaxArgument is the largest size in bytes of an argument, a script, or a variable with its name. Linux cannot execute
// a string of 128 KiB, and jobsd adds a short prefix to each one when it starts a job of another user.
const MaxArgument = 128<<10 - 64

// fits refuses what is too long to execute.
func fits(r *reader, n *node, size int) bool {
	if size > MaxArgument {
		return r.fail(n, "is %d bytes long; Linux allows at most %d: put it into a file", size, MaxArgument)
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
			return r.fail(n, "must not be empty")
		}
		return noNUL(r, n, s) && fits(r, n, len(s))
	})

	jobName = checkedText("string", nameSchema, func(r *reader, n *node, s string) bool {
		if why := badName(s); why != "" {
			return r.fail(n, "%q %s", s, why)
		}
		return true
	})

	hostName = checkedText("string", matching(`^\S+$`), func(r *reader, n *node, s string) bool {
		if s == "" || len(s) > 253 || !madeOf(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-_") {
			return r.fail(n, "%q is not a host name", s)
		}
		return true
	})

	hostGlob = checkedText("string", matching(`^[^/]+$`), func(r *reader, n *node, s string) bool {
		if _, err := path.Match(s, ""); s == "" || err != nil || strings.Contains(s, "/") {
			return r.fail(n, "%q is not a pattern of host names, such as \"web-*\"", s)
		}
		return true
	})

	mailAddress = checkedText("string", matching(`^[^-,\x00- \x7f][^,\x00- \x7f]*$`), func(r *reader, n *node, s string) bool {
		unprintable := func(c rune) bool { return c <= ' ' || c == 0x7f || c == ',' }
		if s == "" || s[0] == '-' || strings.ContainsFunc(s, unprintable) {
			return r.fail(n, "%q is not a mail address", s)
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
			return r.fail(n, "%q %s", withoutValue(s), why)
		}
		return true
	})
)

// maxName is the largest number of characters in the name of a job.
const maxName = 64

// BadName returns what is wrong with the name of a job, "" if it is valid.
func BadName(s string) string { return string(badName(s)) }

// badName returns what is wrong with the name of a job or a lock, "" if it is valid.
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
		return "may contain only letters, digits and . _ @ -"
	case strings.EqualFold(s, "jobsd"):
		return "is reserved for the daemon"
	}
	return ""
}

func nameSchema() schema {
	return pattern("^[A-Za-z0-9_@][A-Za-z0-9._@-]{0,63}$").with(schema{"not": schema{"pattern": "^[jJ][oO][bB][sS][dD]$"}})
}

func madeOf(s, letters string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(letters, c) })
}

// notVariable is the most frequent mistake in the name of a variable.
const notVariable = known("is not the name of a variable")

// notInVariables are characters that no program expects in the name of a variable. They probably mean shell syntax or a
// list.
const notInVariables = "=*?[]{}()$\"'`,;|&<>\\"

// badVariable returns what is wrong with the name of an environment variable, "" if it is valid.
func badVariable(s string) known {
	strange := func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(notInVariables, c) }
	switch {
	case strings.HasPrefix(s, "JOBSD_"):
		return "is set by jobsd and cannot be changed"
	case s == "" || strings.ContainsFunc(s, strange):
		return notVariable
	}
	return ""
}

// IsVariable reports whether a job file can set a variable with this name.
func IsVariable(name string) bool { return badVariable(name) == "" }

const variablePattern = `^[^\x00- \x7f=*?\[\]{}()$"'` + "`" + `,;|&<>\\]+`

// passedSchema is the schema of the name of a variable or of PREFIX_*.
func passedSchema() schema {
	return pattern(variablePattern + `(\*)?$`).with(schema{"not": schema{"pattern": `^JOBSD_|[^_]\*$`}, "examples": []string{"DISPLAY", "LC_*"}})
}

func variableSchema() schema {
	return pattern(variablePattern + "$").with(schema{"not": schema{"pattern": "^JOBSD_"}})
}

// withoutValue hides the value, which may be a secret, of a NAME=value in place of a name.
func withoutValue(s string) string {
	name, value, _ := strings.Cut(s, "=")
	if value == "" {
		return s
	}
	return name + "=..."
}

// file is the path of a file or folder. A relative path starts at the folder of the file that contains it.
var file = typ[string]{
	name: "path",
	form: Form{Item: Path},
	read: of(text, "a path (a string)", func(r *reader, n *node) (string, bool) {
		switch {
		case n.text == "":
			r.fail(n, "must not be empty")
		case n.text[0] == '~':
			r.fail(n, "%q: ~ is not expanded: write the path of the home directory", n.text)
		case !noNUL(r, n, n.text):
		case filepath.IsAbs(n.text):
			return n.text, true
		default:
			return filepath.Join(n.src.dir, n.text), true
		}
		return "", false
	}),
	print:  printText[string],
	schema: matching("^[^~]"),
	write:  writeText[string],
}

// account is the name or the number of a user or group.
var account = typ[string]{
	name: "name or number",
	read: func(r *reader, n *node) (string, bool) {
		switch {
		case n.kind == integer && n.num >= 0 && n.num < math.MaxUint32: // chown(2) takes the last number as "leave unchanged"
			return strconv.FormatInt(n.num, 10), true
		case n.kind == integer:
			r.fail(n, "%d is not a valid user or group number", n.num)
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

// signalWords are the signals of all systems that may end a process, the usual ones first, for editors to suggest. The
// system decides which of them exist.
const signalWords = "TERM INT HUP QUIT USR1 USR2 KILL ABRT ALRM BUS CHLD CLD CONT EMT FPE ILL INFO IO IOT LIBRT LWP PIPE " +
	"POLL PROF PWR SEGV STKFLT SYS THR TRAP URG VTALRM WINCH XCPU XFSZ"

// signalName is the name of a signal that can end a process, with or without SIG.
var signalName = typ[string]{
	name: "signal name",
	read: of(text, `the name of a signal, such as "TERM"`, func(r *reader, n *node) (string, bool) {
		name := strings.TrimPrefix(n.text, "SIG")
		switch {
		case name == "STOP" || name == "TSTP" || name == "TTIN" || name == "TTOU":
			r.fail(n, `%q pauses a process and does not end it: use "TERM", "INT" or "USR1"`, n.text)
		case unix.SignalNum("SIG"+name) == 0:
			r.fail(n, `%q is not a signal: use a name such as "TERM", "INT" or "USR1"`, n.text)
		default:
			return name, true
		}
		return "", false
	}),
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
