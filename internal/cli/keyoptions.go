package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"jobsd/internal/jobfile"
)

// givenKey is a key of job files that was given as an option, with its values in the order of the command line.
type givenKey struct {
	jobfile.Key
	texts []string
}

// keyOptions returns an option for each key, except for those that the command line has in another form.
func keyOptions(given *[]givenKey) (all []option) {
	for _, k := range jobfile.Keys() {
		if k.Name == "name" || k.Name == "cmd" || k.Item == jobfile.Section {
			continue
		}
		takes := kind{value: "VALUE", words: k.Words}
		switch {
		case k.Item == jobfile.Truth:
			takes = nothing
		case k.Name == "env_file":
			takes.files = []string{}
		case k.Item == jobfile.Path:
			takes.dirs = true
		}
		o := option{name: strings.TrimPrefix(optionOf(k.Name), "--"), takes: takes, to: keyReader(k, given), brief: k.About}
		if all = append(all, o); k.Name == "notify.mail" {
			o.name = "mail"
			all = append(all, o)
		}
	}
	return all
}

// optionOf returns the option for a key.
func optionOf(key string) string { return "--" + strings.NewReplacer("_", "-", ".", "-").Replace(key) }

// keyReader appends the value of an option to the list of all given keys.
func keyReader(k jobfile.Key, given *[]givenKey) func(string) error {
	return func(text string) error {
		texts := []string{text}
		if name, _, ok := strings.Cut(text, "="); k.Many == jobfile.Table && (!ok || name == "") {
			return errors.New("write NAME=VALUE")
		}
		if (k.Many == jobfile.List || k.Many == jobfile.OneOrMore) && !k.Commas {
			texts = strings.Split(text, ",")
		}
		i := slices.IndexFunc(*given, func(g givenKey) bool { return g.Name == k.Name })
		switch {
		case i < 0:
			*given = append(*given, givenKey{k, texts})
		case k.Many == jobfile.One:
			return errors.New("given twice")
		default:
			(*given)[i].texts = append((*given)[i].texts, texts...)
		}
		return nil
	}
}

// value is what a person would write in a job file. A value that does not fit the type stays text; the reader of job files
// explains the mistake.
func (g *givenKey) value() any {
	if g.Many == jobfile.Table {
		table := map[string]any{}
		for _, text := range g.texts {
			name, value, _ := strings.Cut(text, "=")
			table[name] = scalar(g.Item, value)
		}
		return table
	}
	if g.Many == jobfile.One || g.Many == jobfile.OneOrMore && len(g.texts) == 1 {
		return scalar(g.Item, g.texts[0])
	}
	list := []any{}
	for _, text := range g.texts {
		list = append(list, scalar(g.Item, text))
	}
	return list
}

// scalar is a single value.
func scalar(item jobfile.Item, text string) any {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case item == jobfile.Number && err == nil,
		item == jobfile.Day && err == nil && strconv.FormatInt(n, 10) == text: // a command line has no quotes that make it a weekday
		return n
	case (item == jobfile.Truth || item == jobfile.TruthOrText) && (text == "true" || text == "false"):
		return text == "true"
	case item == jobfile.Path && text != "" && text[0] != '~': // the reader of job files refuses ~
		return absolute(text)
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
