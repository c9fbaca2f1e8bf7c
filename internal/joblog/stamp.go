package joblog

import (
	"bytes"
	"time"
)

// stampFormat is RFC 3339 with milliseconds. A space follows.
const stampFormat = "2006-01-02T15:04:05.000Z07:00"

// Stamp returns the timestamp that stands in front of a line.
func Stamp(at time.Time) string { return at.Format(stampFormat) + " " }

// stampLength returns the length of the timestamp in front of a line, 0 if there is none.
func stampLength(line []byte) int {
	const shortest, longest = len("2006-01-02T15:04:05.000Z"), len(stampFormat)
	n := bytes.IndexByte(line, ' ')
	if n < shortest || n > longest {
		return 0
	}
	if _, err := time.Parse(stampFormat, string(line[:n])); err != nil {
		return 0
	}
	return n + 1
}
