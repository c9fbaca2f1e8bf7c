package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// removeGroup removes the empty control group of a daemon, which is below that of this process, and its leaves.
func removeGroup(id string) {
	if id == "" {
		return
	}
	own := ""
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			own = path
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			removeFolders(filepath.Join(f[1], own, "jobsd-"+id))
		}
	}
}

// removeFolders removes a folder with those in it, but no file: the files of a control group vanish with it.
func removeFolders(dir string) {
	var all []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	for _, path := range slices.Backward(all) {
		os.Remove(path)
	}
}
