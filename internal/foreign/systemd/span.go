package systemd

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var units = map[string]time.Duration{}

func init() {
	for names, d := range map[string]time.Duration{
		"us usec µs": time.Microsecond, "ms msec": time.Millisecond, " s sec second seconds": time.Second,
		"m min minute minutes": time.Minute, "h hr hour hours": time.Hour, "d day days": 24 * time.Hour,
		"w week weeks": 7 * 24 * time.Hour, "M month months": 2629800 * time.Second, "y year years": 31557600 * time.Second,
	} {
		for name := range strings.SplitSeq(names, " ") {
			units[name] = d
		}
	}
}

// span reads a time span such as "1h 30min". A bare number counts seconds. An infinite span is ok and negative.
func span(s string) (total time.Duration, ok bool) {
	if s == "infinity" {
		return -1, true
	}
	rest := strings.TrimSpace(s)
	for rest != "" {
		end := strings.IndexFunc(rest, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
		if end < 0 {
			end = len(rest)
		}
		n, err := strconv.ParseFloat(rest[:end], 64)
		if err != nil {
			return 0, false
		}
		rest = strings.TrimLeft(rest[end:], " ")
		end = strings.IndexAny(rest, " 0123456789")
		if end < 0 {
			end = len(rest)
		}
		unit, known := units[rest[:end]]
		d := n * float64(unit)
		if !known || d+float64(total) > math.MaxInt64/2 {
			return 0, false
		}
		total += time.Duration(d)
		rest = strings.TrimLeft(rest[end:], " ")
	}
	return total, s != ""
}
