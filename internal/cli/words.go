package cli

import (
	"fmt"
	"strings"
	"time"
)

// length writes a duration with at most two units: 59.1s, 4m12s, 1h03m, 2d4h.
func length(d time.Duration) string {
	d = max(d, 0)
	switch tenths := d.Round(100 * time.Millisecond); {
	case tenths < time.Minute:
		return fmt.Sprintf("%.1fs", tenths.Seconds())
	case d.Round(time.Second) < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d.Round(time.Minute) < 24*time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	d = d.Round(time.Hour)
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// count writes a number of things: "1 job", "2 jobs".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// phrases are short texts about something.
type phrases []string

// add adds a phrase if it applies.
func (p *phrases) add(applies bool, format string, args ...any) {
	if applies {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func (p phrases) String() string { return strings.Join(p, ", ") }

// prefixed returns prefix and s, or "" if s is empty.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// inParentheses returns s in parentheses after a blank, or "" if s is empty.
func inParentheses(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
