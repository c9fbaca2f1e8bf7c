package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
)

// givenKey is a key of job files that was given as an option, with its values in the order of the command line.
type givenKey struct {
	jobfile.Key
	texts []string
}

// keyOptions makes an option for each key, except for those that the command line has in another form.
func keyOptions(cmd *cobra.Command, given *[]givenKey) {
	for _, k := range jobfile.Keys() {
		if k.Name == "name" || k.Name == "cmd" || k.Type == "table" {
			continue
		}
		keyOption(cmd, strings.TrimPrefix(optionOf(k.Name), "--"), k, given)
		if k.Name == "notify.mail" {
			keyOption(cmd, "mail", k, given)
		}
	}
}

func keyOption(cmd *cobra.Command, name string, k jobfile.Key, given *[]givenKey) {
	flag := cmd.Flags().VarPF(&option{k, given}, name, "", k.About)
	if k.Type == "bool" || k.Name == "keep_alive" {
		flag.NoOptDefVal = "true"
	}
}

// optionOf returns the option for a key.
func optionOf(key string) string { return "--" + strings.NewReplacer("_", "-", ".", "-").Replace(key) }

// option appends the value of an option to the list of all given keys.
type option struct {
	jobfile.Key
	given *[]givenKey
}

func (o *option) String() string { return "" }
func (o *option) Type() string   { return o.Key.Type }

// words returns the values of a key that takes only certain words.
func (o *option) words() (words []string) {
	list, ok := strings.CutPrefix(o.Key.Type, "one of ")
	for word := range strings.SplitSeq(list, ", ") {
		if ok {
			words = append(words, strings.Trim(word, `"`))
		}
	}
	return words
}

func (o *option) Set(text string) error {
	texts := []string{text}
	switch {
	case isTable(o.Key):
		if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
			return errors.New("write NAME=VALUE")
		}
	case isList(o.Key) && splits(o.Key):
		texts = strings.Split(text, ",")
	}
	i := slices.IndexFunc(*o.given, func(g givenKey) bool { return g.Name == o.Name })
	switch {
	case i < 0:
		*o.given = append(*o.given, givenKey{o.Key, texts})
	case !isList(o.Key) && !isTable(o.Key):
		return errors.New("given twice")
	default:
		(*o.given)[i].texts = append((*o.given)[i].texts, texts...)
	}
	return nil
}

func isList(k jobfile.Key) bool {
	return strings.HasPrefix(k.Type, "array of ") || strings.HasSuffix(k.Type, " or array")
}

func isTable(k jobfile.Key) bool { return strings.HasPrefix(k.Type, "table of ") }

// splits reports whether commas separate the items of a list. They do not in cron expressions and commands, which contain
// commas themselves.
func splits(k jobfile.Key) bool { return k.Name != "cron" && !strings.HasPrefix(k.Name, "notify.on_") }

// value is what a person would write in a job file. A value that does not fit the type stays text; the reader of job files
// explains the mistake.
func (g *givenKey) value() any {
	if isTable(g.Key) {
		table := map[string]any{}
		for _, text := range g.texts {
			name, value, _ := strings.Cut(text, "=")
			table[name] = scalar(g.Type, value)
		}
		return table
	}
	if !isList(g.Key) || len(g.texts) == 1 && strings.HasSuffix(g.Type, " or array") {
		return scalar(g.Type, g.texts[0])
	}
	list := []any{}
	for _, text := range g.texts {
		list = append(list, scalar(g.Type, text))
	}
	return list
}

// scalar is one value of a key of that type, or one of its items.
func scalar(typ, text string) any {
	switch {
	case strings.HasPrefix(typ, "day"): // a day of the month; a command line has no quotes that make it a number
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return n
		}
	case strings.Contains(typ, "bool") && (text == "true" || text == "false"):
		return text == "true"
	case typ == "number", strings.HasSuffix(typ, " of numbers"):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case typ == "path" && text != "", typ == "array of paths" && text != "":
		if text[0] != '~' { // the reader of job files refuses it
			return absolute(text)
		}
	}
	return text
}

// pairs returns the keys in the order of the command line. Keys of a table are grouped in the table.
func pairs(keys []givenKey) []jobfile.Pair {
	var all []jobfile.Pair
	tables := map[string]map[string]any{}
	for _, g := range keys {
		name, sub, dotted := strings.Cut(g.Name, ".")
		switch {
		case !dotted && hasTable(keys, name): // keep_alive itself adds nothing to its keys
		case !dotted:
			all = append(all, jobfile.Pair{Key: name, Value: g.value()})
		case tables[name] == nil:
			tables[name] = map[string]any{sub: g.value()}
			all = append(all, jobfile.Pair{Key: name, Value: tables[name]})
		default:
			tables[name][sub] = g.value()
		}
	}
	return all
}

// hasTable reports whether one of the keys belongs to the table.
func hasTable(keys []givenKey, table string) bool {
	return slices.ContainsFunc(keys, func(g givenKey) bool { return strings.HasPrefix(g.Name, table+".") })
}
