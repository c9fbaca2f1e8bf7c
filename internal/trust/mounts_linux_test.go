package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jobsd/internal/fusetest"
)

func TestMapsAll(t *testing.T) {
	for table, want := range map[string]bool{
		"         0          0 4294967295\n":  true,
		"0 100000 65536\n":                    false,
		"0 0 65534\n65534 65534 4294901761\n": true,
		"65534 0 1\n":                         false,
		"":                                    false,
	} {
		if mapsAll(table) != want {
			t.Errorf("%q: %t", table, !want)
		}
	}
}

// TestSealed has the mount tables of a container, a host, and a service with a protected system.
func TestSealed(t *testing.T) {
	const (
		volume    = "30 20 8:1 /pods/1/volume /etc/jobs.d ro,relatime - ext4 /dev/sda1 rw"
		hosts     = "31 20 8:1 /pods/1/hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw"
		overlay   = "20 1 0:50 / / ro,relatime - overlay overlay rw"
		host      = "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw"
		protected = "30 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw"
		image     = "30 20 7:1 / /snap ro - squashfs /dev/loop1 ro"
		server    = "30 20 0:60 / /srv ro,relatime - nfs4 server:/ ro"
		inside    = "32 30 8:1 /pods/1/volume/x /etc/jobs.d/x rw - ext4 /dev/sda1 rw"
		sibling   = "32 30 8:1 /pods/1/volume2 /data rw - ext4 /dev/sda1 rw"
	)
	for name, c := range map[string]struct {
		here, outside []string
		want          bool
	}{
		"a volume of a container":          {[]string{volume, overlay, hosts, sibling}, []string{volume, overlay, hosts}, true},
		"a volume next to its file system": {[]string{volume, host}, []string{volume, host}, false},
		"a protected service":              {[]string{protected}, []string{host}, false},
		"an image":                         {[]string{image, host}, []string{image, host}, true},
		"a file server":                    {[]string{server}, []string{server}, false},
		"writable inside":                  {[]string{volume, inside}, nil, false},
		"writable":                         {[]string{"30 1 8:1 / / rw - ext4 /dev/sda1 rw"}, nil, false},
		"writable, with an empty source":   {[]string{"30 1 0:9 / /a ro - tmpfs none rw", "31 1 0:9 / /b rw - tmpfs  rw"}, nil, false},
	} {
		parse := func(lines []string) (all []mount) {
			for _, line := range lines {
				m, ok := parseMount(line)
				if !ok {
					t.Fatal(line)
				}
				all = append(all, m)
			}
			return all
		}
		here := parse(c.here)
		if here[0].id != 30 || here[0].sealed(here, parse(c.outside)) != c.want {
			t.Errorf("%s: %t, %+v", name, !c.want, here[0])
		}
	}
}

func TestUnescapeOctal(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a`: "/a", `/\134\011`: "/\\\t", `/a\9`: `/a\9`, `\04`: `\04`} {
		if got := unescapeOctal(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

// TestMountOfAnother checks that Walk does not block on another user's file system that never answers.
func TestMountOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir+"/sub/file", link); err != nil {
		t.Fatal(err)
	}
	fusetest.HangAt(t, dir, 12345)
	done := make(chan error, 1)
	go func() {
		_, err := New(0, 0).Walk(link)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), dir+", which is not owned by root but by uid 12345") {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("Walk blocks on the file system")
	}
}
