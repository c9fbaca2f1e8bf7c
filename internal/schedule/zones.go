package schedule

import (
	"strings"
	"time"
)

// Zones loads time zones by name, each once, so that ten thousand jobs in one zone read it once and share it. The zero
// value is ready for use. It keeps what it has read: take a new one when the zone data may have changed. It must not be
// used by two goroutines at once.
type Zones struct {
	Load func(name string) (*time.Location, error) // nil: time.LoadLocation
	seen map[string]*time.Location                 // nil: there is no such zone
}

func (z *Zones) load(name string) (*time.Location, *Error) {
	switch {
	case name == "": // which time.LoadLocation takes for UTC
		return nil, wrong(`name a zone such as "Europe/Berlin", or remove the key for the machine's own`, "an empty timezone")
	case strings.EqualFold(name, "local"):
		return nil, wrong(use("local"), "%s is not a time zone", quote(name))
	case strings.HasPrefix(name, "right/"):
		return nil, wrong(use(strings.TrimPrefix(name, "right/")), "%s counts leap seconds", quote(name))
	}
	if loc := z.find(name); loc != nil {
		return loc, nil
	}
	if like := titled(name); like != name && z.find(like) != nil {
		return nil, wrong(use(like), "%s is not a time zone", quote(name))
	}
	return nil, wrong(`use an IANA name such as "Europe/Berlin", or "local"`, "%s is not a time zone", quote(name))
}

// find returns the zone of that name, nil if there is none.
func (z *Zones) find(name string) *time.Location {
	loc, known := z.seen[name]
	if known {
		return loc
	}
	load := z.Load
	if load == nil {
		load = time.LoadLocation
	}
	loc, err := load(name)
	if err != nil {
		loc = nil
	}
	if z.seen == nil {
		z.seen = map[string]*time.Location{}
	}
	z.seen[name] = loc
	return loc
}

// titled returns a zone's name as IANA would write it: America/New_York for america/new york.
func titled(name string) string {
	b := []byte(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_")))
	for i, c := range b {
		if 'a' <= c && c <= 'z' && (i == 0 || strings.IndexByte("/_-", b[i-1]) >= 0) {
			b[i] -= 'a' - 'A'
		}
	}
	return strings.NewReplacer("Utc", "UTC", "Gmt", "GMT").Replace(string(b))
}
