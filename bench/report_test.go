package main

import (
	"math"
	"strings"
	"testing"
)

const testFigure = "time"

// testReport has two rounds of a floor, of jobsd, and of a peer that does not show the figure.
func testReport() *report {
	r := newReport([]figure{{testFigure, unitSeconds}}, []entry{{name: "floor"}, {name: "jobsd"}, {name: "peer"}})
	r.add(0, "floor", values{testFigure: 0.125})
	r.add(0, "jobsd", values{testFigure: 0.25})
	r.add(0, "peer", values{})
	r.add(1, "floor", values{testFigure: 0.5}) // a slow moment, for both
	r.add(1, "jobsd", values{testFigure: 1.5})
	return r
}

func TestRow(t *testing.T) {
	r := testReport()
	// The ratio of the medians would be 2.8; that of each round is 2 and 3.
	if got, want := r.row(testFigure, "jobsd"), (row{0.875, 2.5, 2, 3, 0.25, 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := r.row(testFigure, "floor"); !math.IsNaN(got.ratio) {
		t.Errorf("the floor has the ratio %v to itself", got.ratio)
	}
	if got := r.row(testFigure, "peer"); !math.IsNaN(got.value) || !math.IsNaN(got.ratio) {
		t.Errorf("a figure that was not seen: got %+v", got)
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	testReport().print(&b)
	want := "  time\n" +
		"    floor  312 ms                           best 125 ms\n" +
		"    jobsd  875 ms  2.50x  (2.00x to 3.00x)  best 250 ms  2.00x\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
