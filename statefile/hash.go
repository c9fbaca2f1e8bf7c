package statefile

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Hash is a hash of keys of a job file: sixteen hex digits in the files, "" if it is zero. A job has three of them, and
// as a number each takes a quarter of the memory.
type Hash uint64

func (h Hash) appendJSON(b []byte) []byte {
	if h == 0 {
		return append(b, `""`...)
	}
	b = append(b, '"')
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[h>>shift&15])
	}
	return append(b, '"')
}

// MarshalJSON implements json.Marshaler.
func (h Hash) MarshalJSON() ([]byte, error) { return h.appendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (h *Hash) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*h = 0
	if s == "" {
		return nil
	}
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 {
		return fmt.Errorf("cannot read hash %q: not sixteen hex digits", s)
	}
	*h = Hash(v)
	return nil
}
