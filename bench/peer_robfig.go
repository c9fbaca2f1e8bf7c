package main

import (
	"slices"
	"strconv"
	"syscall"
	"time"
)

// robfig is a library, so it is a program of ours in bench/peers.
var robfig = scheduler{
	name:  "robfig/cron",
	grain: time.Second,
	ready: "ready",
	start: func(w *bench, n int, at time.Time, cmd ...string) (*process, error) {
		return launch("robfig", syscall.SIGTERM, slices.Concat([]string{w.robfig, strconv.Itoa(n), withSeconds(at)}, cmd)...)
	},
}
