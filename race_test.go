//go:build race

package main

// raceDetector tells that memory cannot be measured.
const raceDetector = true
