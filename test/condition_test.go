package test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// condition is a condition of a script on a JSON document: terms joined by &&. A term "PATH" holds if the value is not
// missing, null or false. Otherwise a term is "PATH OP VALUE". A path is like one of jq: .jobs.backup.running[0].pid,
// ["a name"] for names with dots, [-1] for the last element, |length at the end. OP is == != < <= > >= or ~ (the value
// matches a regular expression). VALUE is JSON; if it is not valid JSON, it is a string.
type condition []term

type term struct {
	path      []any // a string is a member, an int an element
	op, value string
}

// length is the last step of a path that ends in |length.
type length struct{}

func parseCondition(words []string) (condition, error) {
	var c condition
	for len(words) > 0 {
		end := len(words)
		for i, w := range words {
			if w == "&&" {
				end = i
				break
			}
		}
		t, err := parseTerm(words[:end])
		if err != nil {
			return nil, err
		}
		c = append(c, t)
		words = words[min(end+1, len(words)):]
	}
	if len(c) == 0 {
		return nil, fmt.Errorf("no condition")
	}
	return c, nil
}

func parseTerm(words []string) (term, error) {
	if len(words) == 0 {
		return term{}, fmt.Errorf("an empty condition")
	}
	path, err := parsePath(words[0])
	switch {
	case err != nil:
		return term{}, err
	case len(words) == 1:
		return term{path: path}, nil
	case len(words) < 3:
		return term{}, fmt.Errorf("%s %s has no value", words[0], words[1])
	}
	return term{path, words[1], strings.Join(words[2:], " ")}, nil
}

var step = regexp.MustCompile(`^(?:\.([A-Za-z0-9_@-]+)|\.?\["([^"]*)"\]|\.?\[(-?[0-9]+)\]|(\.?\|length$)|(\.$))`)

func parsePath(s string) ([]any, error) {
	var path []any
	for rest := s; rest != ""; {
		m := step.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q is not a path: unexpected %q", s, rest)
		}
		switch {
		case m[1] != "":
			path = append(path, m[1])
		case m[3] != "":
			n, _ := strconv.Atoi(m[3])
			path = append(path, n)
		case m[4] != "":
			path = append(path, length{})
		case m[5] == "":
			path = append(path, m[2])
		}
		rest = rest[len(m[0]):]
	}
	return path, nil
}

// find returns the value at a path, and nil if there is none, as jq does.
func find(doc any, path []any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[step]
		case int:
			list, _ := doc.([]any)
			if step < 0 {
				step += len(list)
			}
			if step < 0 || step >= len(list) {
				return nil
			}
			doc = list[step]
		case length:
			if v := reflect.ValueOf(doc); doc == nil {
				doc = 0.0
			} else if k := v.Kind(); k == reflect.Map || k == reflect.Slice || k == reflect.String {
				doc = float64(v.Len())
			}
		}
	}
	return doc
}

// holds reports whether all terms hold. If one does not, it also returns the value that the document has there.
func (c condition) holds(doc any) (bool, string) {
	for _, t := range c {
		got := find(doc, t.path)
		ok, err := t.holds(got)
		if err != nil {
			return false, err.Error()
		}
		if !ok {
			return false, fmt.Sprintf("%v is %s", t.path, textOf(got))
		}
	}
	return true, ""
}

func (t term) holds(got any) (bool, error) {
	var want any
	if json.Unmarshal([]byte(t.value), &want) != nil {
		want = t.value
	}
	switch t.op {
	case "":
		return got != nil && got != false, nil
	case "==":
		return reflect.DeepEqual(got, want), nil
	case "!=":
		return !reflect.DeepEqual(got, want), nil
	case "~":
		re, err := regexp.Compile(t.value)
		return err == nil && re.MatchString(textOf(got)), err
	}
	g, ok := got.(float64)
	w, fine := want.(float64)
	if !ok || !fine {
		return false, nil
	}
	switch t.op {
	case "<":
		return g < w, nil
	case "<=":
		return g <= w, nil
	case ">":
		return g > w, nil
	case ">=":
		return g >= w, nil
	}
	return false, fmt.Errorf("unknown operator %q", t.op)
}

// textOf returns a string unchanged, and any other value as JSON.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestCondition(t *testing.T) {
	const text = `{"a": {"b-1": [1, {"c": "x y"}, null], "d.e": true, "f": false}, "n": 2.5, "s": ""}`
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]bool{
		".a.b-1[0] == 1":           true,
		".a.b-1[0] == 2":           false,
		".a.b-1[1].c == x y":       true,
		`.a.b-1[1].c == "x y"`:     true,
		".a.b-1[1].c ~ ^x":         true,
		".a.b-1[1].c ~ ^y":         false,
		".a.b-1[-1] == null":       true,
		".a.b-1[-1]":               false,
		".a.b-1[7] == null":        true,
		".a.b-1|length == 3":       true,
		".nothing|length == 0":     true,
		`.a["d.e"]`:                true,
		".a.f":                     false,
		".a.f == false":            true,
		".a.f != null":             true,
		".n > 2 && .n <= 2.5":      true,
		".n > 2 && .n < 2.5":       false,
		".s == \"\"":               true,
		".s > 1":                   false,
		".a ~ d.e":                 true,
		". ~ b-1":                  true,
		".nothing.at.all == null":  true,
		".nothing.at.all != false": true,
	} {
		c, err := parseCondition(strings.Fields(words))
		if err != nil {
			t.Errorf("%s: %v", words, err)
			continue
		}
		if got, why := c.holds(doc); got != want {
			t.Errorf("%s: got %v (%s), want %v", words, got, why, want)
		}
	}
	for _, words := range []string{"", "a", ".a ==", ".a..b", ".a == 1 && && .b", ".a[x]"} {
		if c, err := parseCondition(strings.Fields(words)); err == nil {
			t.Errorf("%q: got %v, want an error", words, c)
		}
	}
}
