package main

// entry is in stamp_linux_amd64.s. The linker names it as the start of the program.
func entry()
