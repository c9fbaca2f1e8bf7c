package machine

import (
	"os"
	"strings"
)

// ID returns an id that distinguishes this machine from others with the same name (machine-id(5)); "" if there
// is none.
func ID() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"} {
		if b, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(b))
		}
	}
	return ""
}
