package main

import "golang.org/x/sys/unix"

// floorIdle waits in poll for a pipe into which nobody writes.
func floorIdle([]string) {
	var pipe [2]int
	must(unix.Pipe(pipe[:]))
	reportFloor(values{})
	for {
		unix.Poll([]unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}, -1)
	}
}
