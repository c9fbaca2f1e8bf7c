package spawn

import (
	"os"
	"strings"
)

// MachineID returns what tells this machine from others with the same name, "" where there is nothing (machine-id(5)).
func MachineID() string {
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"} {
		if b, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(b))
		}
	}
	return ""
}
