package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{3, 1}, 2},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(test.in)
		if got := median(test.in); got != test.want {
			t.Errorf("median(%v): got %v, want %v", test.in, got, test.want)
		}
		if !slices.Equal(test.in, before) {
			t.Errorf("median has changed its argument from %v to %v", before, test.in)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing: got %v, want NaN", got)
	}
}

func TestRatios(t *testing.T) {
	all := map[int]float64{0: 6, 1: 9, 2: 5, 3: 7}
	floor := map[int]float64{0: 2, 1: 3, 2: 0, 4: 1} // no ratio to zero, and none without a partner
	got := ratios(all, floor)
	slices.Sort(got)
	if want := []float64{3, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
