package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// floors are small programs that do the work of a daemon and nothing else. This program is all of them: it starts
// itself with one of these words.
var floors = map[string]func(args []string){
	"floor-herd":    floorHerd,
	"floor-restart": floorRestart,
	"floor-idle":    floorIdle,
}

const floorDone = "floor: "

// reportFloor prints what a floor has measured itself, for waitFloor.
func reportFloor(got values) {
	text, err := json.Marshal(got)
	must(err)
	fmt.Println(floorDone + string(text))
}

// startFloor starts a floor in a process of its own.
func (w *bench) startFloor(args ...string) (*process, error) {
	return launch(args[0], syscall.SIGTERM, append([]string{w.own}, args...)...)
}

// waitFloor waits for what reportFloor prints.
func (w *bench) waitFloor(p *process) (got values, err error) {
	l, err := w.waitLine(p, 0, floorDone)
	if err != nil {
		return nil, err
	}
	return got, json.Unmarshal([]byte(strings.TrimPrefix(l.text, floorDone)), &got)
}

// must ends a floor that cannot do its work.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ownUsage returns the CPU time of this process, or of its children.
func ownUsage(who int) float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(who, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
