package schedule

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// otherRules are the reasons why jobsd gives another answer than another scheduler, as in jobs.d(5).
var otherRules = map[string]string{
	// The expression is refused, and no expression of five fields means the same.
	"seconds": "seconds are not supported",
	"years":   "years are not supported",
	"macro":   "these macros are not supported",
	"nearest": "the nearest weekday is not supported",
	"both":    "with six fields, day and weekday may have to match both or only one: it is refused",
	// The answers differ.
	"gap":            "a fixed time that the clock skips is due at the end of the gap",
	"overlap":        "a fixed time that the clock shows twice is due once, the first time",
	"first":          "the next time is the first that matches; the other keeps the minute or hour that it starts from",
	"star step":      "*/n begins with the field's first value, so that days are 1, 1+n and so on",
	"seven":          "a weekday of 7 is Sunday, in a range too",
	"last sunday":    "7#L is the last Sunday of the month",
	"day or weekday": "if neither day nor weekday begins with *, one match is enough",
}

// TestOthers checks rows from the tests of robfig/cron, gronx and croniter. For an expression in another form it uses
// the advice in the error. The answers are equal, or a named rule explains the difference.
func TestOthers(t *testing.T) {
	text, err := os.ReadFile("testdata/others.txt")
	if err != nil {
		t.Fatal(err)
	}
	type tally struct{ same, advised, byRule, wrong int }
	tallies := map[string]*tally{}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := append(strings.Split(line, "\t"), "", "")
		source, expression, zone, base, want, rule, ours := f[0], f[1], f[2], f[3], f[4], f[5], f[6]
		if tallies[source] == nil {
			tallies[source] = &tally{}
		}
		c := tallies[source]
		loc := location(t, zone)
		at := otherTime(t, base, loc)
		s, advised := followAdvice(expression, at)
		if want == "error" { // whatever the advice
			s, _ = Parse(cronKeys(expression), loc, at)
			advised = false
		}
		why := ""
		switch {
		case rule != "" && otherRules[rule] == "":
			why = "there is no rule " + rule
		case rule == "" || rule == "first" || ours != "":
			why = answer(t, s, at, want, rule, ours, loc)
		case s != nil:
			why = "is not refused, but read as " + s.String()
		}
		switch {
		case why != "":
			c.wrong++
			t.Errorf("line %d: %s: %q from %s: %s", i+1, source, expression, base, why)
		case rule != "":
			c.byRule++
		case advised:
			c.advised++
		default:
			c.same++
		}
	}
	for source, c := range tallies {
		t.Logf("%s: %d equal, %d equal with the advice, %d different by a rule, %d wrong", source, c.same, c.advised, c.byRule, c.wrong)
	}
}

// answer says what is wrong with the slots of a schedule, "" if nothing is. A nil schedule was refused.
func answer(t *testing.T, s *Schedule, at time.Time, want, rule, ours string, loc *time.Location) string {
	t.Helper()
	switch {
	case want == "error" || want == "never":
		if s != nil {
			return "is read as " + s.String()
		}
		return ""
	case s == nil:
		return "is refused"
	}
	if want == "due" || want == "not" {
		if due := s.Next(at.Add(-time.Second)).Equal(at); due != (want == "due") {
			return fmt.Sprintf("due: %t, want %s", due, want)
		}
		return ""
	}
	if before, ok := strings.CutPrefix(want, "prev "); ok {
		last := otherTime(t, before, loc)
		if next := s.Next(last); !s.Next(last.Add(-time.Second)).Equal(last) || next.Before(at) {
			return fmt.Sprintf("the one before is not %s, after which comes %s", last, next)
		}
		return ""
	}
	got, theirs := s.Next(at), otherTime(t, want, loc)
	switch {
	case rule == "first":
		if !got.Before(theirs) || !s.Next(theirs.Add(-time.Second)).Equal(theirs) {
			return fmt.Sprintf("got %s, which is not an earlier one than %s", got, theirs)
		}
	case rule == "" && !got.Equal(theirs):
		return fmt.Sprintf("got %s, want %s", got, theirs)
	case rule != "" && (!got.Equal(otherTime(t, ours, loc)) || got.Equal(theirs)):
		return fmt.Sprintf("got %s, want %s", got, ours)
	}
	return ""
}

func otherTime(t *testing.T, text string, loc *time.Location) time.Time {
	t.Helper()
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.In(loc)
	}
	for _, form := range []string{localLayout, time.DateTime} {
		if at, err := time.ParseInLocation(form, text, loc); err == nil {
			return at
		}
	}
	t.Fatalf("%q is no time", text)
	return time.Time{}
}

var fieldItem = regexp.MustCompile(`^(minute|hour|day|month|weekday) "([^"]*)"(?:: "([^"]*)")?`)

// followAdvice parses an expression. If it is refused with a single advice, it parses the advice instead. The zone is
// that of the time from which slots are searched.
func followAdvice(expression string, at time.Time) (s *Schedule, advised bool) {
	for range 8 {
		s, errs := Parse(cronKeys(expression), at.Location(), at)
		if errs == nil {
			return s, advised
		}
		list := quoted(errs[0].Fix)
		if len(list) != 1 {
			return nil, advised
		}
		advice := list[0]
		m := fieldItem.FindStringSubmatch(errs[0].Reason)
		if m == nil {
			expression = advice
		} else {
			words := strings.Fields(expression)
			i := map[string]int{"minute": 0, "hour": 1, "day": 2, "month": 3, "weekday": 4}[m[1]]
			items := strings.Split(words[i], ",")
			for k := range items {
				switch {
				case items[k] == m[2] && m[3] != "":
					items[k] = strings.Replace(m[2], m[3], advice, 1)
				case items[k] == m[2]:
					items[k] = advice
				}
			}
			words[i] = strings.Join(items, ",")
			expression = strings.Join(words, " ")
		}
		advised = true
	}
	return nil, advised
}
