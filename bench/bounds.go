package main

import "fmt"

// A bound is what -check allows a figure of jobsd to be in its best round. Bounds are far above what a quiet machine
// shows: they find a change that costs a lot, and not a busy machine.
type bound struct {
	benchmark, figure string
	ratio             float64 // to the floor; 0: any
	value             float64 // in the unit of the figure, where the floor is next to nothing; 0: any
}

var bounds = []bound{
	{"herd", lastStart, 8, 0},
	{"herd", firstStart, 0, 0.1},
	{"herd", ownCPU, 14, 0},
	{"users", lastStart, usersBound(), 0},
	{"restart", restartTime, 8, 0},
	{"idle", idleCPU, 0, 0.01},
	{"idle", idleSwitches, 0, 100},
	{"idle", idleRSS, 0, 50e6},
	{"reload", reloadTime, 10, 0},
	{"reload", reloadCPU, 10, 0},
	{"reload", startTime, 20, 0},
	{"state", stateTime, 5, 0},
	{"state", journalCPU, 15, 0},
	{"memory", loadedMemory, 0, 50e6},
	{"memory", ranMemory, 0, 60e6},
	{"memory", againMemory, 0, 60e6},
}

// check returns a line for each bound of a benchmark that jobsd breaks.
func (r *report) check(benchmark string) (broken []string) {
	for _, b := range bounds {
		if b.benchmark != benchmark {
			continue
		}
		row := r.row(b.figure, "jobsd")
		unit := r.unitOf(b.figure)
		if b.ratio > 0 && row.bestRatio > b.ratio {
			broken = append(broken, fmt.Sprintf("%s, %s: %s the floor, at most %s allowed",
				benchmark, b.figure, ratioText(row.bestRatio), ratioText(b.ratio)))
		}
		if b.value > 0 && row.best > b.value {
			broken = append(broken, fmt.Sprintf("%s, %s: %s, at most %s allowed",
				benchmark, b.figure, unit.format(row.best), unit.format(b.value)))
		}
	}
	return broken
}

func (r *report) unitOf(name string) unit {
	for _, f := range r.figures {
		if f.name == name {
			return f.unit
		}
	}
	return unitNumber
}

// usersBound is lower where the program has a quick shim.
func usersBound() float64 {
	if len(programFlags()) > 0 {
		return 4
	}
	return 15
}
