package man

import (
	"strings"
)

// words is a text in the making: words with blanks between them, but where one sticks to the other.
type words struct {
	b     strings.Builder
	stick bool // the next word follows without a blank
}

func (w *words) String() string { return w.b.String() }

func (w *words) add(list ...string) {
	for _, word := range list {
		if w.b.Len() > 0 && !w.stick && !closes(word) {
			w.b.WriteByte(' ')
		}
		w.b.WriteString(word)
		w.stick = word == "(" || word == "["
	}
}

// open begins what is enclosed, close ends it.
func (w *words) open(mark string) {
	w.add(mark)
	w.stick = true
}

func (w *words) close(mark string) {
	w.stick = true
	w.add(mark)
	w.stick = false
}

// closes tells whether an argument is punctuation that belongs to the word before it.
func closes(arg string) bool {
	return len(arg) == 1 && strings.Contains(".,:;)]?!", arg)
}

// plain are the macros of which plain text shows nothing but their arguments.
var plain = map[string]bool{"Ar": true, "Cm": true, "Va": true, "Ev": true, "Pa": true, "Em": true, "Sx": true, "Dv": true,
	"No": true, "Li": true, "Sy": true, "Ic": true, "Fa": true, "Tn": true}

// enclosing are the macros that put their arguments between marks.
var enclosing = map[string][2]string{"Ql": {"'", "'"}, "Dq": {`"`, `"`}, "Pq": {"(", ")"}, "Op": {"[", "]"}, "Bq": {"[", "]"}, "Brq": {"{", "}"}, "Aq": {"<", ">"}, "Sq": {"'", "'"}, "Qq": {`"`, `"`}}

// parts are those of which another macro is the end.
var parts = map[string]string{"Oo": "[", "Po": "(", "Oc": "]", "Pc": ")"}

func callable(arg string) bool {
	_, enclosed := enclosing[arg]
	_, part := parts[arg]
	return plain[arg] || enclosed || part || arg == "Fl" || arg == "Nm" || arg == "Ns" || arg == "Xr" || arg == "Nd"
}

// inline adds what the macros in a line come to.
func (f *formatter) inline(args []string) {
	for len(args) > 0 {
		if !callable(args[0]) {
			f.words.add(strings.Fields(unescape(args[0]))...)
			args = args[1:]
			continue
		}
		name := args[0]
		args = args[1:]
		if marks, ok := enclosing[name]; ok {
			n := len(args)
			for n > 0 && closes(args[n-1]) {
				n--
			}
			f.words.open(marks[0])
			f.inline(args[:n])
			f.words.close(marks[1])
			args = args[n:]
			continue
		}
		n := 0
		for n < len(args) && !callable(args[n]) {
			n++
		}
		f.call(name, args[:n])
		args = args[n:]
	}
}

// call adds what one macro makes of its arguments.
func (f *formatter) call(name string, args []string) {
	switch name {
	case "Ns":
		f.words.stick = true
		if len(args) > 0 {
			f.words.b.WriteString(unescape(args[0]))
			args = args[1:]
			f.words.stick = false
		}
	case "Oo", "Po":
		f.words.open(parts[name])
	case "Oc", "Pc":
		f.words.close(parts[name])
	case "Fl":
		f.flags(args)
		return
	case "Nd":
		f.words.add("-")
	case "Nm":
		if len(args) > 0 && !closes(args[0]) {
			if f.name == "" {
				f.name = args[0]
			}
		} else {
			f.words.add(f.name)
		}
	case "Xr":
		if len(args) > 1 {
			f.words.add(args[0] + "(" + args[1] + ")")
			args = args[2:]
		}
	case "Ar":
		if len(args) == 0 {
			f.words.add("file", "...")
		}
	}
	for _, arg := range args {
		f.words.add(strings.Fields(unescape(arg))...)
	}
}

// flags adds options, each with its dash.
func (f *formatter) flags(args []string) {
	if len(args) == 0 {
		f.words.add("-")
	}
	for _, arg := range args {
		if closes(arg) || arg == "|" {
			f.words.add(arg)
		} else {
			f.words.add("-" + unescape(arg))
		}
	}
}

// arguments splits the rest of a line of a macro; quotes keep blanks.
func arguments(text string) (args []string) {
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		var arg string
		if text[0] == '"' {
			arg, text, _ = strings.Cut(text[1:], `"`)
		} else {
			arg, text, _ = strings.Cut(text, " ")
		}
		args = append(args, arg)
	}
	return args
}

var unescaper = strings.NewReplacer(`\(dq`, `"`, `\&`, "", `\e`, `\`, `\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(lq`, `"`, `\(rq`, `"`, `\(en`, "-", `\ `, " ")

func unescape(text string) string { return unescaper.Replace(text) }
