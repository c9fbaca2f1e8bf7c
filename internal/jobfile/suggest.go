package jobfile

import (
	"slices"
	"strings"
)

// elsewhere is what other schedulers and supervisors call a key of ours.
var elsewhere = map[string]string{
	"command": "cmd", "args": "cmd", "argv": "cmd", "exec": "cmd", "run": "cmd", "program": "cmd", "script": "shell",
	"schedule": "start_at", "time": "start_at", "times": "start_at", "weekdays": "days", "interval": "every",
	"date": "at", "onboot": "at_boot", "restart": "keep_alive", "retry": "retries", "depends": "after", "tz": "timezone",
	"concurrency": "overlap", "environment": "env", "cwd": "dir", "workdir": "dir", "workingdirectory": "dir",
	"path": "extra_path", "host": "machines", "hosts": "machines", "exitcodes": "success_codes",
	"kill_signal": "stop_signal", "mail": "notify", "email": "notify", "mailto": "notify",
}

// suggest returns which of names was meant by an unknown one, "" when nobody can tell.
func suggest(unknown string, names []string) string {
	if len(unknown) > 40 {
		return ""
	}
	plain := plainKey(unknown)
	if s := elsewhere[plain]; slices.Contains(names, s) {
		return s
	}
	if best := Nearest(unknown, names); best != "" {
		return best
	}
	for _, name := range names {
		if len(plain) >= 3 && strings.HasPrefix(plainKey(name), plain) {
			return name
		}
	}
	return ""
}

// Nearest returns which of names was meant by a word with a slip or two in it, "" if it is near to none.
func Nearest(word string, names []string) string {
	plain := plainKey(word)
	best, least := "", min(3, (len(plain)+1)/2)
	for _, name := range names {
		if d := distance(plain, plainKey(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// plainKey is a key or a name without what people vary: case, and how words are joined.
func plainKey(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to make a of b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
