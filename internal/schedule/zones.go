package schedule

import (
	"strings"
	"time"
)

// Zones loads each time zone once by its name, so that ten thousand jobs in one zone share it. The zero value is ready
// for use. It keeps what it has loaded: use a new one when the zone data may have changed. Only one goroutine may use
// it at a time.
type Zones struct {
	Load func(name string) (*time.Location, error) // nil: time.LoadLocation
	seen map[string]*time.Location                 // nil: the zone does not exist
}

func (z *Zones) load(name string) (*time.Location, *Error) {
	switch {
	case name == "": // time.LoadLocation would return UTC
		return nil, wrong(`write a zone such as "Europe/Berlin", or remove the key to use the zone of the machine`, "an empty timezone")
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

// find returns the zone with that name, nil if there is none.
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

// titled returns the name of a zone as IANA writes it: America/New_York for america/new york.
func titled(name string) string {
	b := []byte(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_")))
	for i, c := range b {
		if 'a' <= c && c <= 'z' && (i == 0 || strings.IndexByte("/_-", b[i-1]) >= 0) {
			b[i] -= 'a' - 'A'
		}
	}
	return strings.NewReplacer("Utc", "UTC", "Gmt", "GMT").Replace(string(b))
}
