// Bench measures jobsd. It prints each figure beside the floor of the same run: what the same work costs at least on
// this machine, without a daemon. Times drift on shared machines; the ratio of the two drifts much less.
//
//	go run ./bench herd
//
// HACKING.md, "Measuring", says what each benchmark does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// benchmarks are in the order in which "all" runs them.
var benchmarks = []*benchmark{herd, users, restart, idle, reload, state, memory}

func main() {
	if len(os.Args) > 1 {
		if floor := floors[os.Args[1]]; floor != nil { // this process is a floor, see startFloor
			floor(os.Args[2:])
			return
		}
	}
	o, err := parseOptions(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if err := run(ctx, o); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted; no process or file is left")
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs the benchmarks one after another. With -check, it fails if a ratio is above its bound.
func run(ctx context.Context, o *options) error {
	tools, err := buildTools(ctx, o)
	if err != nil {
		return err
	}
	defer tools.remove()
	var broken []string
	for _, b := range o.benchmarks {
		if why := b.impossible(); why != "" {
			fmt.Printf("%s: skipped: %s\n\n", b.name, why)
			continue
		}
		above, err := b.run(ctx, o, tools)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		broken = append(broken, above...)
	}
	if len(broken) > 0 {
		return fmt.Errorf("above the bounds of bench/bounds.go:\n  %s", strings.Join(broken, "\n  "))
	}
	return nil
}
