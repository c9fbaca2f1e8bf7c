package jobfile

import (
	"cmp"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/schedule"
)

// typ is a type of values: how one is read and checked, and how it is printed for a hash.
type typ[T any] struct {
	name  string // for people
	read  func(*reader, *node) (T, bool)
	print func([]byte, T) []byte
	sub   func() []Key // of a table that has keys of its own
}

func printText[T ~string](b []byte, v T) []byte { return strconv.AppendQuote(b, string(v)) }

func printInt[T ~int | ~int32 | ~int64](b []byte, v T) []byte {
	return strconv.AppendInt(b, int64(v), 10)
}

func printBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

func printList[T any](print func([]byte, T) []byte) func([]byte, []T) []byte {
	return func(b []byte, list []T) []byte {
		b = append(b, '[')
		for _, v := range list {
			b = append(print(b, v), ',')
		}
		return append(b, ']')
	}
}

// checkedText is a string for which check finds nothing wrong.
func checkedText(name string, check func(r *reader, n *node, s string) bool) typ[string] {
	return typ[string]{
		name: name,
		read: func(r *reader, n *node) (string, bool) {
			if n.kind != text {
				r.wrong(n, "a string")
				return "", false
			}
			return n.text, check(r, n, n.text)
		},
		print: printText[string],
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

var (
	anyText = checkedText("string", noNUL)

	script = checkedText("string", func(r *reader, n *node, s string) bool {
		if strings.TrimSpace(s) == "" {
			r.fail(n, "must not be empty")
			return false
		}
		return noNUL(r, n, s)
	})

	jobName = checkedText("string", func(r *reader, n *node, s string) bool {
		if why := badName(s); why != "" {
			r.fail(n, "%q %s", s, why)
			return false
		}
		return true
	})

	hostName = checkedText("string", func(r *reader, n *node, s string) bool {
		if s == "" || len(s) > 253 || !madeOf(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-_") {
			r.fail(n, "%q is not a host name", s)
			return false
		}
		return true
	})

	hostGlob = checkedText("string", func(r *reader, n *node, s string) bool {
		if _, err := path.Match(s, ""); s == "" || err != nil || strings.Contains(s, "/") {
			r.fail(n, "%q is not a pattern of host names, such as \"web-*\"", s)
			return false
		}
		return true
	})

	mailAddress = checkedText("string", func(r *reader, n *node, s string) bool {
		unprintable := func(c rune) bool { return c <= ' ' || c == 0x7f || c == ',' }
		if s == "" || s[0] == '-' || strings.ContainsFunc(s, unprintable) {
			r.fail(n, "%q is not a mail address", s)
			return false
		}
		return true
	})

	variable = checkedText("string", func(r *reader, n *node, s string) bool {
		if why := badVariable(s); why != "" {
			r.fail(n, "%q %s", withoutValue(s), why)
			return false
		}
		return true
	})
)

// BadName returns what is wrong with the name of a job, "" if nothing is.
func BadName(s string) string { return string(badName(s)) }

// badName returns what is wrong with the name of a job or a lock, "" if nothing is.
func badName(s string) known {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-"
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > 64:
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

func madeOf(s, letters string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(letters, c) })
}

// badVariable returns what is wrong with the name of an environment variable.
func badVariable(s string) known {
	switch {
	case s == "" || strings.ContainsAny(s, "=\x00"):
		return "is not the name of a variable"
	case strings.HasPrefix(s, "JOBSD_"):
		return "is set by jobsd itself"
	}
	return ""
}

// withoutValue hides the value, which may be a secret, of what was written as NAME=value where a name belongs.
func withoutValue(s string) string {
	name, value, _ := strings.Cut(s, "=")
	if value == "" {
		return s
	}
	return name + "=..."
}

var truth = typ[bool]{
	name: "bool",
	read: func(r *reader, n *node) (bool, bool) {
		if n.kind != boolean {
			r.wrong(n, "true or false (without quotes)")
			return false, false
		}
		return n.num == 1, true
	},
	print: printBool,
}

// whole is a whole number of at least least and at most most.
func whole[T int | int32](least, most T) typ[T] {
	return typ[T]{
		name: "number",
		read: func(r *reader, n *node) (T, bool) {
			switch {
			case n.kind != integer:
				r.wrong(n, "a whole number")
			case n.num < int64(least) || n.num > int64(most):
				r.fail(n, "must be from %d to %d, not %d", least, most, n.num)
			default:
				return T(n.num), true
			}
			return 0, false
		},
		print: printInt[T],
	}
}

// listOf is an array of at least least items.
func listOf[T any](item typ[T], least int) typ[[]T] {
	return typ[[]T]{
		name:  "array of " + item.name + "s",
		print: printList(item.print),
		read: func(r *reader, n *node) ([]T, bool) {
			if n.kind != list {
				r.wrong(n, known("an array of "+item.name+"s"))
				return nil, false
			}
			return readItems(r, n, item, least)
		},
	}
}

func readItems[T any](r *reader, n *node, item typ[T], least int) ([]T, bool) {
	if len(n.kids) < least {
		r.fail(n, "must not be empty")
		return nil, false
	}
	all := true
	values := make([]T, 0, len(n.kids))
	for _, kid := range n.kids {
		v, ok := item.read(r, kid)
		all = all && ok
		values = append(values, v)
	}
	return values, all
}

// oneOrMore is one item or an array of them.
func oneOrMore[T any](item typ[T], least int) typ[[]T] {
	return typ[[]T]{
		name:  item.name + " or array",
		print: printList(item.print),
		read: func(r *reader, n *node) ([]T, bool) {
			if n.kind == list {
				return readItems(r, n, item, least)
			}
			v, ok := item.read(r, n)
			return []T{v}, ok
		},
	}
}

// optional is a value that knows whether it was given.
func optional[T any](t typ[T]) typ[*T] {
	return typ[*T]{
		name: t.name,
		read: func(r *reader, n *node) (*T, bool) {
			v, ok := t.read(r, n)
			return &v, ok
		},
		print: func(b []byte, v *T) []byte {
			if v == nil {
				return b
			}
			return t.print(b, *v)
		},
	}
}

// argv is a command with its arguments.
var argv = typ[[]string]{
	name:  "array of strings",
	print: printList(printText[string]),
	read: func(r *reader, n *node) ([]string, bool) {
		if n.kind == text {
			r.fail(n, `must be an array of strings such as ["backup", "--all"]; for a script there is "shell"`)
			return nil, false
		}
		args, ok := listOf(anyText, 1).read(r, n)
		if ok && args[0] == "" {
			r.fail(n.kids[0], "the program's name is empty")
			return nil, false
		}
		return args, ok
	},
}

// notifier is argv for a key that has no "shell" beside it.
var notifier = typ[[]string]{name: argv.name, print: argv.print, read: func(r *reader, n *node) ([]string, bool) {
	if n.kind == text {
		r.wrong(n, `an array of strings such as ["notify", "--urgent"]`)
		return nil, false
	}
	return argv.read(r, n)
}}

// dayText is a day or a number of one, as text.
var dayText = typ[string]{
	name: "day",
	read: func(r *reader, n *node) (string, bool) {
		switch n.kind {
		case text:
			return n.text, true
		case integer:
			return strconv.FormatInt(n.num, 10), true
		}
		r.wrong(n, `a day such as "mon" or 15`)
		return "", false
	},
	print: printText[string],
}

// word is text that another package checks.
var word = checkedText("string", func(*reader, *node, string) bool { return true })

const maxDuration = 3650 * 24 * time.Hour

// duration is a length of time from least to ten years.
func duration(least time.Duration) typ[time.Duration] {
	return typ[time.Duration]{
		name: "duration",
		read: func(r *reader, n *node) (time.Duration, bool) {
			if n.kind != text {
				r.wrong(n, `a duration such as "90s", "10m" or "1d" (in quotes)`)
				return 0, false
			}
			d, err := schedule.ParseDuration(n.text)
			switch {
			case err != nil && n.src.secret:
				r.fail(n, "is not a duration")
			case err != nil:
				r.fail(n, "%s", known(err.Error()))
			case d < 0:
				r.fail(n, "%q is negative", n.text)
			case d < least:
				r.fail(n, "must be at least %s", known(least.String()))
			case d > maxDuration:
				r.fail(n, "%q is more than 3650d", n.text)
			default:
				return d, true
			}
			return 0, false
		},
		print: printInt[time.Duration],
	}
}

// size is a number of bytes from least on.
func size(least int64) typ[int64] {
	return typ[int64]{
		name: "size",
		read: func(r *reader, n *node) (int64, bool) {
			v := n.num
			switch n.kind {
			case integer:
			case text:
				var why known
				if v, why = parseSize(n.text); why != "" {
					r.fail(n, "%q %s", n.text, why)
					return 0, false
				}
			default:
				r.wrong(n, `a size such as "10MB"`)
				return 0, false
			}
			if v < least {
				r.fail(n, "must be at least %d bytes", least)
				return 0, false
			}
			return v, true
		},
		print: printInt[int64],
	}
}

// units of sizes: powers of 1000, and with an i of 1024, as IEC 80000-13 has them.
var units = map[string]int64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize reads "10MB" or "10MiB" as a number of bytes, or says what is wrong.
func parseSize(s string) (int64, known) {
	end := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(s)
	}
	unit, ok := units[strings.ToLower(strings.TrimPrefix(s[end:], " "))]
	if end == 0 || !ok {
		return 0, `is not a size: write a whole number and a unit, as in "10MB" or "10MiB"`
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, "is more than can be counted"
	}
	return n * unit, ""
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
	print: printText[string],
}

// choice is one of some words.
func choice[T ~string](words ...T) typ[T] {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	list := known(`"` + strings.Join(all, `", "`) + `"`)
	return typ[T]{
		name: "one of " + string(list),
		read: func(r *reader, n *node) (T, bool) {
			switch {
			case n.kind != text:
				r.wrong(n, "one of "+list)
			case !slices.Contains(words, T(n.text)):
				r.fail(n, "must be one of %s, not %q", list, n.text)
			default:
				return words[slices.Index(words, T(n.text))], true
			}
			return "", false
		},
		print: printText[T],
	}
}

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
}

// mode is a file mode mask, in octal.
var mode = typ[int]{
	name: "octal string",
	read: func(r *reader, n *node) (int, bool) {
		v, err := strconv.ParseUint(n.text, 8, 32)
		switch {
		case n.kind != text:
			r.wrong(n, `an octal number in quotes, such as "022"`)
		case err != nil || v > 0o777:
			r.fail(n, `%q is not a mask: write one from "000" to "777"`, n.text)
		default:
			return int(v), true
		}
		return 0, false
	},
	print: printInt[int],
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
}

// catchUp is true, false or a duration.
var catchUp = typ[CatchUp]{
	name: "bool or duration",
	read: func(r *reader, n *node) (CatchUp, bool) {
		switch n.kind {
		case boolean:
			return CatchUp{Max: -time.Duration(n.num)}, true
		case text:
			d, ok := duration(0).read(r, n)
			return CatchUp{Max: d}, ok
		}
		r.wrong(n, `true, false or a duration such as "1d"`)
		return CatchUp{}, false
	},
	print: func(b []byte, v CatchUp) []byte { return printInt(b, v.Max) },
}

// exitCodes is a set of exit codes.
var exitCodes = typ[[]int]{
	name: "array of numbers",
	read: func(r *reader, n *node) ([]int, bool) {
		codes, ok := listOf(whole(0, 255), 1).read(r, n)
		slices.Sort(codes)
		return slices.Compact(codes), ok
	},
	print: printList(printInt[int]),
}

// environment is a table of variables, which becomes NAME=value, sorted.
var environment = typ[[]string]{
	name: "table of strings",
	read: func(r *reader, n *node) ([]string, bool) {
		if n.kind != table {
			r.wrong(n, `a table such as {LANG = "C"}`)
			return nil, false
		}
		all := true
		env := make([]string, 0, len(n.kids))
		for _, kid := range n.kids {
			if why := badVariable(kid.key); why != "" {
				r.failKey(kid, "%q %s", withoutValue(kid.key), why)
				all = false
				continue
			}
			v, ok := anyText.read(r, kid)
			all = all && ok
			env = append(env, kid.key+"="+v)
		}
		slices.Sort(env)
		return env, all
	},
	print: printList(printText[string]),
}

// The resources of `limits`: those that count bytes take sizes.
var resources = map[string]bool{
	"as": true, "core": true, "data": true, "fsize": true, "memlock": true, "stack": true,
	"cpu": false, "nofile": false, "nproc": false,
}

var limits = typ[[]Limit]{
	name: "table of numbers",
	read: func(r *reader, n *node) ([]Limit, bool) {
		if n.kind != table {
			r.wrong(n, "a table such as {nofile = 1024}")
			return nil, false
		}
		defer func(key string) { r.key = key }(r.key)
		prefix, before := r.key, r.mistakes()
		set := make([]Limit, 0, len(n.kids))
		for _, kid := range n.kids {
			bytes, ok := resources[kid.key]
			if !ok {
				names := make([]string, 0, len(resources))
				for name := range resources {
					names = append(names, name)
				}
				slices.Sort(names)
				r.unknown(kid, prefix, names)
				continue
			}
			r.key = join(prefix, kid.key)
			set = append(set, Limit{Name: kid.key, Value: readLimit(r, kid, bytes)})
		}
		slices.SortFunc(set, func(a, b Limit) int { return cmp.Compare(a.Name, b.Name) })
		return set, r.mistakes() == before
	},
	print: printList(func(b []byte, l Limit) []byte {
		return strconv.AppendUint(append(append(b, l.Name...), '='), l.Value, 10)
	}),
}

func readLimit(r *reader, n *node, bytes bool) uint64 {
	switch {
	case n.kind == text && n.text == "unlimited":
		return math.MaxUint64
	case bytes && (n.kind == text || n.kind == integer):
		v, _ := size(0).read(r, n)
		return uint64(v)
	case n.kind == integer:
		v, _ := whole(0, math.MaxInt).read(r, n)
		return uint64(v)
	}
	want := known(`a number or "unlimited"`)
	if bytes {
		want = `a size such as "1GiB" or "unlimited"`
	}
	r.wrong(n, want)
	return 0
}
