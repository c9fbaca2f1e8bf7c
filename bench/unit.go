package main

import (
	"math"
	"strconv"
	"strings"
)

// A unit says how to print a value. Times are in seconds, and sizes in bytes.
type unit int

const (
	unitSeconds unit = iota
	unitBytes
	unitNumber
)

// format has at most four digits, because the next ones are noise.
func (u unit) format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v == 0:
		return "0"
	case u == unitNumber:
		return digits(v)
	}
	steps := map[unit][]struct {
		size float64
		name string
	}{
		unitSeconds: {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}},
		unitBytes:   {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}},
	}[u]
	for _, step := range steps {
		if math.Abs(v) >= step.size {
			return digits(v/step.size) + " " + step.name
		}
	}
	last := steps[len(steps)-1]
	return digits(v/last.size) + " " + last.name
}

// digits prints three digits, or all those before the decimal point.
func digits(v float64) string {
	after := 2
	for rest := math.Abs(v); rest >= 9.995 && after > 0; rest /= 10 {
		after--
	}
	return strconv.FormatFloat(v, 'f', after, 64)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands prints a number with a comma before each three digits.
func thousands(n int) string {
	text := strconv.Itoa(n)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}

// ratioText is empty if there is no ratio.
func ratioText(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return digits(v) + "x"
}
