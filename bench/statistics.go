package main

import (
	"math"
	"slices"
)

// median returns the middle of the values, and NaN if there is none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// ratios divides values by the floor of the same round. Rounds without one of the two are left out.
func ratios(all, floor map[int]float64) (out []float64) {
	for round, value := range all {
		if f, ok := floor[round]; ok && f > 0 {
			out = append(out, value/f)
		}
	}
	return out
}

// least returns the smallest of the values, and NaN if there is none.
func least(all map[int]float64) float64 {
	out := math.NaN()
	for _, v := range all {
		if math.IsNaN(out) || v < out {
			out = v
		}
	}
	return out
}
