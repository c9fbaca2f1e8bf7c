package statefile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Time is a wall-clock time in the format of the files: RFC 3339 with the offset of its location, and a fraction of
// three digits only if it is not zero. The zero Time is JSON null. RFC 3339 ends with the year 9999, so a later time
// is written as the last second of that year.
type Time struct{ time.Time }

var lastSecond = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// At removes the monotonic reading, cuts t to whole milliseconds and returns it as a Time.
func At(t time.Time) Time { return Time{t.Round(0).Truncate(time.Millisecond)} }

// AppendText appends the text form; nothing for the zero Time.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.append(b), nil }

func (t Time) append(b []byte) []byte {
	if t.IsZero() {
		return b
	}
	w := t.Time
	if y := w.Year(); y < 0 || y > 9999 {
		w = lastSecond
	} else if _, offset := w.Zone(); offset%60 != 0 { // local mean time: an offset in RFC 3339 has no seconds
		w = w.UTC()
	}
	if w.Nanosecond() < int(time.Millisecond) {
		return w.AppendFormat(b, time.RFC3339)
	}
	return w.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
}

func (t Time) appendJSON(b []byte) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.append(append(b, '"')), '"')
}

// String returns the text form; "" for the zero Time.
func (t Time) String() string { return string(t.append(nil)) }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return t.appendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*t = Time{}
		return nil
	}
	v, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		return fmt.Errorf("cannot read time %q: %w", *s, err)
	}
	*t = Time{v}
	return nil
}

// Seconds is a duration in the format of the files: a number of seconds with at most six decimals.
type Seconds time.Duration

// maxSeconds is the longest time.Duration, cut to microseconds.
const maxSeconds = float64(math.MaxInt64/1000) / 1e6

func (s Seconds) appendJSON(b []byte) []byte {
	us := time.Duration(s).Round(time.Microsecond).Microseconds()
	return strconv.AppendFloat(b, float64(us)/1e6, 'f', -1, 64)
}

// MarshalJSON implements json.Marshaler.
func (s Seconds) MarshalJSON() ([]byte, error) { return s.appendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if math.Abs(f) >= maxSeconds {
		return fmt.Errorf("cannot read %s seconds: out of range", b)
	}
	*s = Seconds(int64(math.Round(f*1e6)) * 1000)
	return nil
}
