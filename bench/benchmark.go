package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// A benchmark compares some programs that do the same work.
type benchmark struct {
	name    string
	about   string
	figures []figure
	rounds  int           // unless -rounds says another number
	needs   func() string // says why this machine cannot run the benchmark, "" if it can; nil: every machine can
	prepare func(*bench) (entries []entry, what string, err error)
}

// A figure is one of the numbers that a benchmark measures.
type figure struct {
	name string
	unit unit
}

// An entry is a program that a benchmark measures. The first entry is the floor.
type entry struct {
	name    string
	measure func(*bench) (values, error)
}

// values are the figures of one measurement by name. Those that the system does not show are missing.
type values map[string]float64

// bench is what a benchmark needs while it runs.
type bench struct {
	context.Context
	*options
	*tools
	scratch string // an empty directory in -dir, removed at the end
}

func (b *benchmark) impossible() string {
	if b.needs == nil {
		return ""
	}
	return b.needs()
}

// run measures, prints the report, and returns a line for each bound that is broken.
func (b *benchmark) run(ctx context.Context, o *options, t *tools) (broken []string, err error) {
	scratch, err := makeScratch(o.dir)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	w := &bench{Context: ctx, options: o, tools: t, scratch: scratch}
	entries, what, err := b.prepare(w)
	if err != nil {
		return nil, err
	}
	facts := machineFacts(scratch)
	rounds := b.countRounds(o)
	r := newReport(b.figures, entries)
	for round := range rounds {
		for i := range entries {
			e := entries[(i+round)%len(entries)]
			got, err := e.measure(w)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			if o.verbose {
				fmt.Fprintf(os.Stderr, "round %d of %d, %s: %v\n", round+1, rounds, e.name, got)
			}
			r.add(round, e.name, got)
		}
	}
	fmt.Printf("%s: %s\n%s; medians of %s\n", b.name, what, facts, plural(rounds, "round"))
	r.print(os.Stdout)
	fmt.Println()
	if o.check {
		broken = r.check(b.name)
	}
	return broken, nil
}

func (b *benchmark) countRounds(o *options) int {
	switch {
	case o.rounds > 0:
		return o.rounds
	case o.short:
		return min(3, b.rounds)
	}
	return b.rounds
}

// makeScratch makes a directory that other users can search, because jobs may belong to other users.
func makeScratch(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(dir, "jobsd-bench")
	if err != nil {
		return "", err
	}
	return scratch, os.Chmod(scratch, 0o755)
}

// jobsds returns an entry for the program of the checkout, and one for that of -beside.
func (w *bench) jobsds(measure func(w *bench, program string) (values, error)) []entry {
	one := func(name, program string) entry {
		return entry{name, func(w *bench) (values, error) { return measure(w, program) }}
	}
	all := []entry{one("jobsd", w.jobsd)}
	if w.beside != "" {
		all = append(all, one(filepath.Base(w.beside)+" (-beside)", w.beside))
	}
	return all
}

// with returns the entries of a benchmark: the floor, jobsd, and with -peers others.
func (w *bench) with(floor entry, own []entry, others ...entry) []entry {
	all := slices.Concat([]entry{floor}, own)
	if w.peers {
		all = append(all, others...)
	}
	return all
}

// empty makes an empty directory of this name in the scratch directory.
func (w *bench) empty(name string) (string, error) {
	dir := filepath.Join(w.scratch, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o755)
}
