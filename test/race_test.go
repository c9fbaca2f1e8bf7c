//go:build race

package test

// raceDetector tells that memory cannot be measured.
const raceDetector = true
