package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestReadZone(t *testing.T) {
	dir := t.TempDir()
	var tokyo []byte
	for _, root := range []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"} {
		if b, e := os.ReadFile(filepath.Join(root, "Asia/Tokyo")); e == nil {
			tokyo = b
		}
	}
	if tokyo == nil {
		t.Skip("this machine has no zone files")
	}
	in := filepath.Join(dir, "zoneinfo", "Asia")
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(in, "Tokyo"), string(tokyo))
	write(t, filepath.Join(dir, "copy"), string(tokyo))
	write(t, filepath.Join(dir, "bad"), "no zone")
	link := filepath.Join(dir, "localtime")
	if err := os.Symlink("zoneinfo/Asia/Tokyo", link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tz, localtime, name, at string }{
		{"-", link, "Asia/Tokyo", "21:00"},
		{"-", filepath.Join(dir, "none"), "UTC", "12:00"},
		{"", link, "UTC", "12:00"},
		{"America/New_York", link, "America/New_York", "07:00"},
		{":America/New_York", link, "America/New_York", "07:00"},
		{link, "", "Asia/Tokyo", "21:00"},
		{"No/Such", link, "UTC", "12:00"},
		{"-", filepath.Join(dir, "bad"), "UTC", "12:00"},
		{filepath.Join(dir, "none"), link, "UTC", "12:00"},
	} {
		z := ReadZone(func(string) (string, bool) { return c.tz, c.tz != "-" }, c.localtime)
		if z.Name != c.name || noon.In(z.Location).Format("15:04") != c.at || (z.Err != nil) != (strings.Contains(c.tz+c.localtime, "bad") || c.tz == "No/Such" || strings.HasSuffix(c.tz, "none")) {
			t.Errorf("%+v: %s %s %v", c, z.Name, z.Location, z.Err)
		}
	}
	z := ReadZone(func(string) (string, bool) { return "", false }, filepath.Join(dir, "copy"))
	if !strings.HasPrefix(z.Name, "sha256:") || noon.In(z.Location).Format("15:04") != "21:00" || z.Err != nil {
		t.Error(z)
	}
	if again := ReadZone(func(string) (string, bool) { return "", false }, link); again.Same(z) || !again.Same(again) {
		t.Error("same")
	}
}
