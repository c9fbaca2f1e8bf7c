package jobfile

import (
	"strconv"
	"time"

	"jobsd/internal/schedule"
)

// dayText is a day or a number of one, as text.
var dayText = typ[string]{
	name: "day",
	read: func(r *reader, n *node) (string, bool) {
		switch n.kind {
		case text:
			return n.text, true
		case integer:
			return strconv.FormatInt(n.num, 10), true
		}
		r.wrong(n, `a day such as "mon" or 15`)
		return "", false
	},
	print: printText[string],
}

// word is text that another package checks.
var word = checkedText("string", func(*reader, *node, string) bool { return true })

const maxDuration = 3650 * 24 * time.Hour

// duration is a length of time from least to ten years.
func duration(least time.Duration) typ[time.Duration] {
	return typ[time.Duration]{
		name: "duration",
		read: func(r *reader, n *node) (time.Duration, bool) {
			if n.kind != text {
				r.wrong(n, `a duration such as "90s", "10m" or "1d" (in quotes)`)
				return 0, false
			}
			d, err := schedule.ParseDuration(n.text)
			switch {
			case err != nil && n.src.secret:
				r.fail(n, "is not a duration")
			case err != nil:
				r.fail(n, "%s", known(err.Error()))
			case d < 0:
				r.fail(n, "%q is negative", n.text)
			case d < least:
				r.fail(n, "must be at least %s", known(least.String()))
			case d > maxDuration:
				r.fail(n, "%q is more than 3650d", n.text)
			default:
				return d, true
			}
			return 0, false
		},
		print: printInt[time.Duration],
	}
}

// catchUp is true, false or a duration.
var catchUp = typ[CatchUp]{
	name: "bool or duration",
	read: func(r *reader, n *node) (CatchUp, bool) {
		switch n.kind {
		case boolean:
			return CatchUp{Max: -time.Duration(n.num)}, true
		case text:
			d, ok := duration(0).read(r, n)
			return CatchUp{Max: d}, ok
		}
		r.wrong(n, `true, false or a duration such as "1d"`)
		return CatchUp{}, false
	},
	print: func(b []byte, v CatchUp) []byte { return printInt(b, v.Max) },
}
