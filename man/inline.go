package man

import (
	"strings"
)

// words collects a paragraph: words with a blank between them, except where punctuation joins them.
type words struct {
	b     strings.Builder
	stick bool // no blank before the next word
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

// argument adds an argument of a macro. As in mdoc, \& in front of a punctuation mark makes it an ordinary word.
func (w *words) argument(arg string) {
	text := unescape(arg)
	if !strings.HasPrefix(arg, `\&`) {
		w.add(strings.Fields(text)...)
		return
	}
	if w.b.Len() > 0 && !w.stick {
		w.b.WriteByte(' ')
	}
	w.b.WriteString(text)
	w.stick = false
}

// open adds an opening mark, such as a quote, and joins the next word to it.
func (w *words) open(mark string) {
	w.add(mark)
	w.stick = true
}

// close joins a closing mark to the word before it.
func (w *words) close(mark string) {
	w.stick = true
	w.add(mark)
	w.stick = false
}

// closes reports whether an argument is punctuation that belongs to the word before it.
func closes(arg string) bool {
	return len(arg) == 1 && strings.Contains(".,:;)]?!", arg)
}

// characters are the macros that only change the font: plain text shows their arguments unchanged.
var fontOnly = map[string]bool{"Ar": true, "Cm": true, "Va": true, "Ev": true, "Pa": true, "Em": true, "Sx": true, "Dv": true,
	"No": true, "Li": true, "Sy": true, "Ic": true, "Fa": true, "Tn": true}

// enclosing are the macros that put their arguments between marks.
var enclosing = map[string][2]string{"Ql": {"'", "'"}, "Dq": {`"`, `"`}, "Pq": {"(", ")"}, "Op": {"[", "]"}, "Bq": {"[", "]"}, "Brq": {"{", "}"}, "Aq": {"<", ">"}, "Sq": {"'", "'"}, "Qq": {`"`, `"`}}

// parts are the macros that begin or end an enclosure.
var parts = map[string]string{"Oo": "[", "Po": "(", "Oc": "]", "Pc": ")"}

func callable(arg string) bool {
	_, enclosed := enclosing[arg]
	_, part := parts[arg]
	return fontOnly[arg] || enclosed || part || arg == "Fl" || arg == "Nm" || arg == "Ns" || arg == "Xr" || arg == "Nd"
}

// inline adds the text of a line of macros.
func (f *formatter) inline(args []string) {
	for len(args) > 0 {
		if !callable(args[0]) {
			f.words.argument(args[0])
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

// call adds the text of one macro with its arguments.
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
		f.words.argument(arg)
	}
}

// flags adds options with a dash before each.
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

// arguments splits the rest of a macro line into arguments. Quotes keep blanks together.
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
