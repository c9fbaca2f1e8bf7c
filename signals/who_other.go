//go:build nowho || !linux || !(amd64 || arm64)

package signals

import "syscall"

func watch(syscall.Signal) {}

// LastSender always returns an unknown sender in this build.
func LastSender(syscall.Signal) (s Sender, news bool) { return unknown, true }
