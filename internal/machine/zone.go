package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// Zone is the time zone of the machine, found as the C library finds it (tzset(3)). The time package reads it only once
// per process.
type Zone struct {
	Location *time.Location
	Name     string // identifies the zone: an IANA name, or a hash of a file that has none
	Err      error  // why the zone is UTC
	data     string // the rules, to detect a change
}

// ReadZone reads the zone that TZ names, or the file localtime if TZ is not set.
func ReadZone(getenv func(string) (string, bool), localtime string) *Zone {
	tz, set := getenv("TZ")
	tz = strings.TrimPrefix(tz, ":")
	switch {
	case !set:
		return zoneFile(localtime, true)
	case tz == "":
		return utc(nil)
	case filepath.IsAbs(tz):
		return zoneFile(tz, false)
	}
	location, err := time.LoadLocation(tz)
	if err != nil {
		return utc(fmt.Errorf("TZ=%s: unknown time zone: local times are UTC", plain.Word(tz)))
	}
	return &Zone{Location: location, Name: tz}
}

func utc(err error) *Zone { return &Zone{Location: time.UTC, Name: "UTC", Err: err} }

// zoneFile reads a tzfile(5). If it is a link into the zone database, as /etc/localtime usually is, the target gives
// the name.
func zoneFile(path string, mayMiss bool) *Zone {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) && mayMiss {
		return utc(nil)
	}
	name := ""
	if target, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
		_, name, _ = strings.Cut(target, "/zoneinfo/")
	}
	label := name
	if name == "" {
		sum := sha256.Sum256(data)
		name, label = "sha256:"+hex.EncodeToString(sum[:8]), "Local"
	}
	if err == nil {
		var location *time.Location
		if location, err = time.LoadLocationFromTZData(label, data); err == nil {
			return &Zone{Location: location, Name: name, data: string(data)}
		}
	}
	return utc(&trust.PathError{Path: path, Err: fmt.Errorf("cannot read the local time zone: %w: local times are UTC", err)})
}

// Same reports whether nothing that depends on the zone has to change.
func (z *Zone) Same(o *Zone) bool { return z.Name == o.Name && z.data == o.data }
