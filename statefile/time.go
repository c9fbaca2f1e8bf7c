package statefile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"
)

// Time is a wall-clock time in the format of the files: RFC 3339 with the offset of its location, and a fraction of
// three digits only if it is not zero. The zero Time is JSON null. RFC 3339 ends with the year 9999, so a later time
// is the last second of that year.
//
// It has a third of the size of a time.Time, because a job has ten of them and there may be ten thousand jobs: the
// milliseconds since 1970, and in the low bits the offset in minutes, plus middle so that it is never zero.
type Time struct{ packed int64 }

const (
	offsetBits = 12
	middle     = 1 << (offsetBits - 1)
)

var lastSecond = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// At removes the monotonic reading, cuts t to whole milliseconds and returns it as a Time.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	_, offset := t.Zone()
	if y := t.Year(); y < 0 || y > 9999 {
		t, offset = lastSecond, 0
	}
	if offset%60 != 0 { // local mean time: an offset in RFC 3339 has no seconds
		offset = 0
	}
	return Time{t.UnixMilli()<<offsetBits | int64(offset/60+middle)}
}

// IsZero reports whether it is the zero Time.
func (t Time) IsZero() bool { return t.packed == 0 }

// Time returns the time in a location with its offset.
func (t Time) Time() time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	v := time.UnixMilli(t.packed >> offsetBits)
	if offset := t.packed&(1<<offsetBits-1) - middle; offset != 0 {
		return v.In(locationOf(int(offset)))
	}
	return v.UTC()
}

var locations sync.Map // of *time.Location by offset in minutes

func locationOf(offset int) *time.Location {
	l, ok := locations.Load(offset)
	if !ok {
		l, _ = locations.LoadOrStore(offset, time.FixedZone("", offset*60))
	}
	return l.(*time.Location)
}

// AppendText appends the text form; nothing for the zero Time.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.append(b), nil }

func (t Time) append(b []byte) []byte {
	if t.IsZero() {
		return b
	}
	w := t.Time()
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
	*t = At(v)
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
