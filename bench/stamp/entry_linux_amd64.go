package main

// entry is in stamp_linux_amd64.s. Only the linker uses it, which makes it the start of the program.
func entry()

var _ = entry
