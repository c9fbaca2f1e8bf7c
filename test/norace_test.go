//go:build !race

package test

// raceDetector says whether the race detector is on.
const raceDetector = false
