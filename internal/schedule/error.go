package schedule

import (
	"fmt"
	"strconv"
)

// Error is a mistake in one value of a job file: what is wrong, and what to write instead.
type Error struct {
	Key    string // of the job file: start_at, days, every, cron, at or timezone; empty from [ParseDuration]
	Index  int    // position in the array, from 0; 0 for a single value
	Value  string // the whole value; empty if the key itself is the mistake
	Reason string // quotes the part that is wrong
	Fix    string // may be empty
}

func (e *Error) Error() string {
	if e.Fix == "" {
		return e.Reason
	}
	return e.Reason + "; " + e.Fix
}

// wrong returns an Error without a position; Parse adds it.
func wrong(fix, reason string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(reason, args...), Fix: fix}
}

// quote quotes text of the file, cut to fit on a line.
func quote(s string) string {
	const most = 40
	if r := []rune(s[:min(len(s), 4*most)]); len(r) > most {
		return strconv.Quote(string(r[:most])) + "..."
	}
	return strconv.Quote(s)
}

// use suggests to write s.
func use(s string) string { return "use " + quote(s) }
