//go:build !linux

package main

import "runtime"

func systemName() string       { return runtime.GOOS }
func fileSystem(string) string { return "unknown file system" }
func loadAverage() string      { return "" }
