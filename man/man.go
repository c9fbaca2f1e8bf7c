// Package man embeds the manual, so that each binary has the pages of its own version: as mdoc, and as the plain text that
// mandoc makes of it, for systems without mandoc and man.
package man

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.8 *.7 *.5
var pages embed.FS

//go:embed *.txt
var texts embed.FS

// Names returns the names of all pages without their sections, sorted.
func Names() []string {
	var names []string
	for _, file := range files() {
		names = append(names, strip(file))
	}
	slices.Sort(names)
	return names
}

// Page returns the mdoc source of the page with that name, with or without a section: "jobsd" or "jobsd.8".
func Page(name string) ([]byte, bool) {
	page, err := pages.ReadFile(fileOf(name))
	return page, err == nil
}

// Text returns the page with that name in plain text. "go test ./man -update" writes these texts.
func Text(name string) (string, bool) {
	text, err := texts.ReadFile(fileOf(name) + ".txt")
	return string(text), err == nil
}

// fileOf returns the file of a page, "" if there is no such page.
func fileOf(name string) string {
	for _, file := range files() {
		if name == file || name == strip(file) {
			return file
		}
	}
	return ""
}

// files returns the file names of all pages.
func files() []string {
	entries, err := pages.ReadDir(".")
	if err != nil {
		panic(err) // cannot happen: the directory is part of the binary
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// strip removes the section from a file name.
func strip(file string) string { return file[:strings.LastIndexByte(file, '.')] }
