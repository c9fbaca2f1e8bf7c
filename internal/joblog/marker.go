package joblog

import (
	"slices"
	"strings"
)

// mark is the beginning of each marker.
const mark = "== "

// markers are the beginnings of the texts of all markers. Jobs write lines such as "== Building ==", too, so "== " alone
// does not make a marker.
var markers = []string{"run ", "on_", "late: ", "slow: ", "no longer ", "missed", "skipped", "signal ", "disabled by ", "enabled by ", "held by ",
	"killing run ", "killed ", "no more retries: ", "left the crash loop: ", "crash loop: ", "cannot notify", "cannot send mail to ", "cannot run on_"}

// IsMarker reports whether a line of a log is a marker, as far as can be told: a job may write such a line itself.
func IsMarker(line string) bool {
	text, ok := strings.CutPrefix(line, mark)
	return ok && slices.ContainsFunc(markers, func(begin string) bool { return strings.HasPrefix(text, begin) })
}
