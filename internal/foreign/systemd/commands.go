package systemd

import (
	"fmt"
	"strings"

	"jobsd/internal/plain"
)

// execs are the lines of a service that execute something, in this order.
type execs struct{ pre, start, post []setting }

// step is one imported command.
type step struct {
	setting
	command
}

// commands sets the key with the command. Several commands, or one that may fail, become a script.
func (t *translator) commands() {
	if len(t.execs.start) > 1 && !t.oneshot {
		for _, s := range t.execs.start {
			t.refuse(s, "only Type=oneshot may have several commands")
		}
		return
	}
	if len(t.execs.post) > 0 && !t.oneshot {
		for _, s := range t.execs.post {
			t.refuse(s, "systemd runs it while the command runs; put both into a script")
		}
		t.execs.post = nil
	}
	start, ok := t.steps(t.execs.start)
	if !ok || len(start) == 0 {
		return
	}
	t.asRoot = start[0].asRoot && t.keys["user"] != nil
	pre, _ := t.steps(t.besides(t.execs.pre))
	post, _ := t.steps(t.besides(t.execs.post))
	all := append(append(pre, start...), post...)
	expands := false
	for _, c := range all {
		expands = expands || c.expand
	}
	if expands {
		t.note(t.execs.start[0], "a shell expands the variables and ignores quotes in their values")
	}
	switch c := all[0]; {
	case len(all) > 1:
		t.keys["shell"] = script(all, expands)
	case c.lenient:
		t.keys["shell"] = c.prefix() + c.line() + " || :"
	case expands:
		t.keys["shell"] = c.prefix() + "exec " + c.line()
	default:
		t.keys["cmd"] = c.words
	}
	if s := t.success; s != nil && len(all) > 1 {
		t.refuse(*s, "if one of several commands ends with this code, the job ends and the other commands do not run")
	}
}

// besides removes commands that have a "+" and run as another user than the job.
func (t *translator) besides(all []setting) (kept []setting) {
	for _, s := range all {
		if c, err := parseCommand(s.value, t.literal); err == nil && c.asRoot != t.asRoot && t.keys["user"] != nil {
			t.refuse(s, `"+" makes it run as another user than the command, so it is not imported; create a separate job for it`)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// steps parses commands; ok is true if all of them can be imported.
func (t *translator) steps(all []setting) (steps []step, ok bool) {
	ok = true
	for _, s := range all {
		c, err := parseCommand(s.value, t.literal)
		if err != nil {
			t.refuse(s, "%v", err)
			ok = false
			continue
		}
		steps = append(steps, step{s, c})
	}
	return steps, ok
}

// script runs commands one after the other, until one fails whose failure counts.
func script(all []step, expands bool) string {
	var out strings.Builder
	out.WriteString("set -e")
	if expands {
		out.WriteString("f") // the values of variables are split at blanks but are not patterns
	}
	for i, c := range all {
		out.WriteByte('\n')
		switch {
		case c.lenient:
			fmt.Fprintf(&out, "%s || :", c.line())
		case i == len(all)-1:
			fmt.Fprintf(&out, "exec %s", c.line())
		default:
			out.WriteString(c.line())
		}
	}
	return out.String()
}

// prefix returns what a shell needs before the command.
func (c command) prefix() string {
	if c.expand {
		return "set -f; "
	}
	return ""
}

// line returns the command for a shell.
func (c command) line() string {
	if !c.expand {
		return plain.Shell(c.words...)
	}
	var words []string
	for _, w := range c.words {
		words = append(words, expanding(w))
	}
	return strings.Join(words, " ")
}
