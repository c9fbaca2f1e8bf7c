package main

import (
	"fmt"
	"runtime"
)

// machineFacts says what a figure depends on.
func machineFacts(dir string) string {
	text := fmt.Sprintf("%s, %s %s, %s, %s", plural(runtime.NumCPU(), "core"), systemName(), runtime.GOARCH, runtime.Version(),
		fileSystem(dir))
	if load := loadAverage(); load != "" {
		text += ", load " + load
	}
	return text
}
