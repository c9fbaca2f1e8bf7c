package jobfile

import (
	"fmt"
	"hash"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Fingerprint returns a text that changes when a job file or jobsd.toml is added, removed, written or replaced, or when
// its owner or mode changes. It opens no file, so it needs only the permission to list the directory. A symbolic link
// counts itself; its target counts too if it lies below the jobs directory, as in Kubernetes volumes.
//
// Every process on one machine gets the same text, so it can be compared with the one that the daemon publishes.
func Fingerprint(jobs, config string) (string, error) {
	dir, err := os.Open(jobs)
	var names []string
	if err == nil {
		defer dir.Close()
		names, err = dir.Readdirnames(-1)
	}
	if err != nil {
		return "", fmt.Errorf("cannot look for changes in the jobs directory: %w", err)
	}
	slices.Sort(names)
	fd := int(dir.Fd())
	p := newFingerprint(config)
	for _, name := range names {
		if isIgnored(name) {
			continue
		}
		if looked, err := look(fd, name); err == nil {
			p.add(fd, name, looked)
		}
	}
	return p.String(), nil
}

// fingerprint builds a Fingerprint: jobsd.toml first, then the job files in the order of their names.
type fingerprint struct{ sum hash.Hash64 }

func newFingerprint(config string) *fingerprint {
	p := &fingerprint{fnv.New64a()}
	if looked, err := look(unix.AT_FDCWD, config); config != "" && err == nil {
		p.add(unix.AT_FDCWD, config, looked)
	}
	return p
}

func (p *fingerprint) add(dir int, name string, looked stamp) {
	fmt.Fprintln(p.sum, name, looked.sum)
	var target unix.Stat_t
	if looked.link() && leadsBelow(dir, name) && unix.Fstatat(dir, name, &target, 0) == nil {
		fmt.Fprintln(p.sum, stampOf(&target).sum)
	}
}

func (p *fingerprint) String() string { return fmt.Sprintf("%016x", p.sum.Sum64()) }

// leadsBelow reports whether a link leads to something in its directory or below it.
func leadsBelow(dir int, name string) bool {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buffer)
	target := string(buffer[:max(0, n)])
	return err == nil && !filepath.IsAbs(target) && !slices.Contains(strings.Split(target, "/"), "..")
}
