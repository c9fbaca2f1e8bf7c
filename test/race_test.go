//go:build race

package test

// raceDetector says whether the race detector is on, which needs so much memory that tests cannot check it.
const raceDetector = true
