package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

type options struct {
	benchmarks []*benchmark
	rounds     int // 0: as the benchmark has it
	jobs       int // 0: as the benchmark has it
	window     time.Duration
	dir        string
	beside     string
	short      bool
	check      bool
	peers      bool
	verbose    bool
}

const helpText = `bench - measure jobsd beside the floor of the same run

usage: go run ./bench NAME... [options]

`

// parseOptions reads the command line. Options may stand before, between and after the names of benchmarks.
func parseOptions(args []string) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.IntVar(&o.rounds, "rounds", 0, "how many times to measure each program, in turns; figures are medians (default 7; idle and memory 1)")
	set.IntVar(&o.jobs, "n", 0, "number of jobs (default 1,000 for herd, 200 for users, 10,000 otherwise), or of restarts (15)")
	set.DurationVar(&o.window, "window", 0, "idle: how long to look (default 1m)")
	set.StringVar(&o.dir, "dir", defaultDir(), "where the daemon keeps its files")
	set.StringVar(&o.beside, "beside", "", "another jobsd `program` to measure in the same rounds, for a change: before and after")
	set.BoolVar(&o.short, "short", false, "take some seconds for each benchmark: fewer rounds and fewer jobs")
	set.BoolVar(&o.check, "check", false, "fail if a figure is above its bound in bench/bounds.go")
	set.BoolVar(&o.peers, "peers", false, "measure those of cron, supercronic, robfig/cron, runit, s6 and supervisord that are installed")
	set.BoolVar(&o.verbose, "v", false, "print the figures of each round")
	set.Usage = func() {
		fmt.Fprint(os.Stderr, helpText)
		for _, b := range benchmarks {
			fmt.Fprintf(os.Stderr, "  %-8s  %s\n", b.name, b.about)
		}
		fmt.Fprint(os.Stderr, "  all       all of them\n\n")
		set.PrintDefaults()
	}
	var names []string
	for {
		if err := set.Parse(args); err != nil {
			return nil, err
		}
		if set.NArg() == 0 {
			break
		}
		names, args = append(names, set.Arg(0)), set.Args()[1:]
	}
	if len(names) == 0 {
		set.Usage()
		return nil, flag.ErrHelp
	}
	for _, name := range names {
		if name == "all" {
			o.benchmarks = append(o.benchmarks, benchmarks...)
			continue
		}
		b := findBenchmark(name)
		if b == nil {
			return nil, fmt.Errorf("there is no benchmark %q; write one of: %s, all", name, strings.Join(benchmarkNames(), ", "))
		}
		o.benchmarks = append(o.benchmarks, b)
	}
	return o, nil
}

func findBenchmark(name string) *benchmark {
	for _, b := range benchmarks {
		if b.name == name {
			return b
		}
	}
	return nil
}

func benchmarkNames() (names []string) {
	for _, b := range benchmarks {
		names = append(names, b.name)
	}
	return names
}

// defaultDir is a tmpfs if there is one, because disks differ more than machines do.
func defaultDir() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() && fileSystem(shared) == "tmpfs" {
		return shared
	}
	return os.TempDir()
}

// size returns the number of jobs: that of -n, or else the usual or the short one.
func (o *options) size(usual, short int) int {
	switch {
	case o.jobs > 0:
		return o.jobs
	case o.short:
		return short
	}
	return usual
}
