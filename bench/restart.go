package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

const restartTime = "from the kill to the next start"

// restart kills a service and waits until it starts again. The service writes the time at which it starts to a file.
var restart = &benchmark{
	name:    "restart",
	about:   "a service that dies, beside a loop around a self-pipe, wait4 and ForkExec",
	figures: []figure{{restartTime, unitSeconds}},
	rounds:  7,
	prepare: func(w *bench) ([]entry, string, error) {
		kills := w.size(15, 5)
		floor := entry{"floor: self-pipe and ForkExec", func(w *bench) (values, error) {
			return w.restarts(kills, 100*time.Millisecond, func(stamps string) (*process, func(), error) {
				p, err := w.startFloor("floor-restart", w.stamp, stamps, "stay")
				return p, nil, err
			})
		}}
		own := w.jobsds(func(w *bench, program string) (values, error) {
			return w.restarts(kills, 100*time.Millisecond, func(stamps string) (*process, func(), error) {
				return w.startService(program, stamps)
			})
		})
		return w.with(floor, own, restartPeers(kills)...), "a service killed " + plural(kills, "time"), nil
	},
}

// startService starts a jobsd with one service. Each of its runs counts as stable, so that it restarts at once.
func (w *bench) startService(program, stamps string) (*process, func(), error) {
	root, err := w.makeRoot(map[string]string{"service.toml": fmt.Sprintf(
		"cmd = [%q, %q, \"stay\"]\nkeep_alive = {stable = \"10ms\"}\n", w.stamp, stamps)})
	if err != nil {
		return nil, nil, err
	}
	d, err := w.startDaemon(program, root)
	if err != nil {
		return nil, nil, err
	}
	return d.process, d.stop, nil
}

// restarts starts a supervisor and kills its service again and again, each time when it has been up for a while. The
// supervisor ends with stop, or as processes do.
func (w *bench) restarts(kills int, up time.Duration, supervisor func(stamps string) (p *process, stop func(), err error)) (values, error) {
	stamps := filepath.Join(w.scratch, "stamps")
	if err := makeStamps(stamps); err != nil {
		return nil, err
	}
	p, stop, err := supervisor(stamps)
	if err != nil {
		return nil, err
	}
	if stop == nil {
		stop = p.stop
	}
	defer stop()
	var gaps []float64
	for n := range kills {
		all, err := w.waitStamps(p, stamps, n+1)
		if err != nil {
			return nil, err
		}
		service := all[n]
		if err := w.until(service.at.Add(up)); err != nil {
			return nil, err
		}
		killed := time.Now()
		if err := syscall.Kill(service.pid, syscall.SIGKILL); err != nil {
			return nil, fmt.Errorf("cannot kill the service %d: %w", service.pid, err)
		}
		if all, err = w.waitStamps(p, stamps, n+2); err != nil {
			return nil, err
		}
		gaps = append(gaps, all[n+1].at.Sub(killed).Seconds())
	}
	return values{restartTime: median(gaps)}, nil
}
