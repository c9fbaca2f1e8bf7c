package jobfile

import "slices"

// argv is a command with its arguments.
var argv = typ[[]string]{
	name:   "array of strings",
	form:   Form{Many: List, Commas: true},
	print:  printList(printText[string]),
	schema: listOf(argument, 1).schema,
	read: func(r *reader, n *node) ([]string, bool) {
		if n.kind == text {
			return nil, r.fail(n, `must be an array of strings such as ["backup", "--all"]; use "shell" for a script`)
		}
		args, ok := listOf(argument, 1).read(r, n)
		if ok && args[0] == "" {
			return nil, r.fail(n.kids[0], "the name of the program is empty")
		}
		return args, ok
	},
}

// notifier is argv for a key that has no counterpart "shell".
var notifier = typ[[]string]{name: argv.name, form: argv.form, print: argv.print, schema: argv.schema, read: func(r *reader, n *node) ([]string, bool) {
	if n.kind == text {
		return nil, r.wrong(n, `an array of strings such as ["notify", "--urgent"]`)
	}
	return argv.read(r, n)
}}

// environment is a table of variables. It becomes a sorted list of NAME=value.
var environment = typ[[]string]{
	name: "table of strings",
	form: Form{Many: Table},
	read: of(table, `a table such as {LANG = "C"}`, func(r *reader, n *node) ([]string, bool) {
		all := true
		env := make([]string, 0, len(n.kids))
		for _, kid := range n.kids {
			if why := badVariable(kid.key); why != "" {
				r.failAs(r.key, kid, "%q %s", withoutValue(kid.key), why)
				all = false
				continue
			}
			v, ok := anyText.read(r, kid)
			all = all && ok && fits(r, kid, len(kid.key)+1+len(v))
			env = append(env, kid.key+"="+v)
		}
		slices.Sort(env)
		return env, all
	}),
	print: printList(printText[string]),
	schema: func() schema {
		return schema{"type": "object", "propertyNames": variableSchema(), "additionalProperties": textSchema()}
	},
}
