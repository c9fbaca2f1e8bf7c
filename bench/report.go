package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// A report collects the figures of all rounds.
type report struct {
	figures []figure
	entries []string
	rounds  map[string]map[string]map[int]float64 // by figure, entry and round
}

func newReport(figures []figure, entries []entry) *report {
	r := &report{figures: figures, rounds: map[string]map[string]map[int]float64{}}
	for _, e := range entries {
		r.entries = append(r.entries, e.name)
	}
	for _, f := range figures {
		r.rounds[f.name] = map[string]map[int]float64{}
		for _, e := range entries {
			r.rounds[f.name][e.name] = map[int]float64{}
		}
	}
	return r
}

func (r *report) add(round int, entry string, got values) {
	for name, value := range got {
		r.rounds[name][entry][round] = value
	}
}

// A row is what the report says about one figure of one entry.
type row struct {
	value       float64
	ratio       float64 // to the floor; NaN if there is none
	least, most float64 // of the ratios
}

func (r *report) row(figure, entry string) row {
	all := r.rounds[figure][entry]
	var list []float64
	for _, v := range all {
		list = append(list, v)
	}
	out := row{value: median(list), ratio: math.NaN()}
	if entry == r.entries[0] {
		return out
	}
	if x := ratios(all, r.rounds[figure][r.entries[0]]); len(x) > 0 {
		out.ratio, out.least, out.most = median(x), slices.Min(x), slices.Max(x)
	}
	return out
}

func (r *report) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	for _, f := range r.figures {
		fmt.Fprintf(w, "  %s\n", f.name)
		for _, e := range r.entries {
			row := r.row(f.name, e)
			if math.IsNaN(row.value) {
				continue
			}
			fmt.Fprintf(w, "    %s\t%s", e, f.unit.format(row.value))
			if !math.IsNaN(row.ratio) {
				fmt.Fprintf(w, "\t%s", ratioText(row.ratio))
			}
			if row.least < row.most {
				fmt.Fprintf(w, "\t(%s to %s)", ratioText(row.least), ratioText(row.most))
			}
			fmt.Fprintln(w)
		}
	}
	w.Flush()
}
