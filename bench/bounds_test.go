package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBounds checks that each bound is about a figure that exists, and that it bounds something.
func TestBounds(t *testing.T) {
	for _, b := range bounds {
		of := findBenchmark(b.benchmark)
		if of == nil || !slices.ContainsFunc(of.figures, func(f figure) bool { return f.name == b.figure }) {
			t.Errorf("there is no figure %q of the benchmark %q", b.figure, b.benchmark)
		}
		if b.ratio <= 0 && b.value <= 0 {
			t.Errorf("%s, %s: the bound allows everything", b.benchmark, b.figure)
		}
	}
}

func TestCheck(t *testing.T) {
	old := bounds
	t.Cleanup(func() { bounds = old })
	for _, test := range []struct {
		bound bound
		want  string // part of the one complaint, "" for none
	}{
		{bound{"x", testFigure, 2.1, 0}, ""},
		{bound{"x", testFigure, 1.9, 0}, "x, time: 2.00x the floor, at most 1.90x allowed"},
		{bound{"x", testFigure, 0, 0.3}, ""},
		{bound{"x", testFigure, 0, 0.2}, "x, time: 250 ms, at most 200 ms allowed"},
		{bound{"another", testFigure, 1, 0}, ""},
	} {
		bounds = []bound{test.bound}
		got := strings.Join(testReport().check("x"), "\n")
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.bound, got, test.want)
		}
	}
}

// TestEachBenchmark checks that each benchmark has a bound and a row in HACKING.md.
func TestEachBenchmark(t *testing.T) {
	page, err := os.ReadFile("../HACKING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range benchmarks {
		if !slices.ContainsFunc(bounds, func(x bound) bool { return x.benchmark == b.name }) {
			t.Errorf("%s has no bound in bounds.go", b.name)
		}
		if !strings.Contains(string(page), "| `"+b.name+"` |") {
			t.Errorf("%s has no row in the table of HACKING.md, \"Measuring\"", b.name)
		}
	}
}
