package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
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
	best        float64 // the least value of all rounds: what others on the machine disturbed least
	bestRatio   float64 // to the best of the floor; NaN if there is none
}

func (r *report) row(figure, entry string) row {
	all := r.rounds[figure][entry]
	var list []float64
	for _, v := range all {
		list = append(list, v)
	}
	out := row{value: median(list), ratio: math.NaN(), best: least(all), bestRatio: math.NaN()}
	if entry == r.entries[0] {
		return out
	}
	if floor := least(r.rounds[figure][r.entries[0]]); floor > 0 {
		out.bestRatio = out.best / floor
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
			cells := []string{f.unit.format(row.value), ratioText(row.ratio)}
			if len(r.rounds[f.name][e]) > 1 {
				cells = append(cells, rangeText(row), "best "+f.unit.format(row.best), ratioText(row.bestRatio))
			}
			fmt.Fprintln(w, strings.TrimRight("    "+e+"\t"+strings.Join(cells, "\t"), "\t"))
		}
	}
	w.Flush()
}

func rangeText(r row) string {
	if math.IsNaN(r.ratio) {
		return ""
	}
	return fmt.Sprintf("(%s to %s)", ratioText(r.least), ratioText(r.most))
}
