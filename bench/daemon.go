package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"jobsd/statefile"
)

// A daemon is a running jobsd that keeps everything in one directory.
type daemon struct {
	*process
	root string
}

// makeRoot makes an empty root directory with job files. Their names end in .toml.
func (w *bench) makeRoot(files map[string]string) (string, error) {
	root, err := w.empty("root")
	if err != nil {
		return "", err
	}
	jobs := filepath.Join(root, "jobs.d")
	if err := os.Mkdir(jobs, 0o755); err != nil {
		return "", err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(jobs, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return root, w.Err()
}

// startDaemon starts jobsd and waits until it has loaded its jobs.
func (w *bench) startDaemon(program, root string) (*daemon, error) {
	p, err := launch("jobsd", syscall.SIGTERM, program, "run", "--root", root)
	if err != nil {
		return nil, err
	}
	d := &daemon{p, root}
	if _, err := w.waitLine(p, 0, " ready: "); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// stop ends the daemon. On Linux, the daemon leaves its empty control group behind for the next daemon with the same
// state directory, which does not exist here.
func (d *daemon) stop() {
	d.process.stop()
	removeGroup(d.id())
}

// id returns the identity of the state directory, with which the journal begins.
func (d *daemon) id() string {
	f, err := os.Open(filepath.Join(d.root, "state", "history.jsonl"))
	if err != nil {
		return ""
	}
	defer f.Close()
	var first struct{ ID string }
	text, _ := bufio.NewReader(f).ReadBytes('\n')
	json.Unmarshal(text, &first)
	return first.ID
}

// waitEnds waits until all runs of n jobs have ended and are in their logs, and until the daemon has nothing left to do.
func (w *bench) waitEnds(d *daemon, n int) error {
	err := w.await(plural(n, "end")+" in the state file", patienceFor(n), func() (bool, error) {
		text, err := os.ReadFile(filepath.Join(d.root, "state", "state.json"))
		if err != nil {
			return false, err
		}
		var s statefile.State
		if err := json.Unmarshal(text, &s); err != nil {
			return false, err
		}
		ended := 0
		for _, j := range s.Jobs {
			if j.LastRun != nil && j.LastRun.Output != nil {
				ended++
			}
		}
		return ended >= n, w.until(time.Now().Add(20 * glance))
	})
	if err != nil {
		return err
	}
	return w.waitQuiet(d.pid())
}

// waitQuiet waits until a process and its helpers have used next to no CPU for half a second.
func (w *bench) waitQuiet(pid int) error {
	const pause, next = 500 * time.Millisecond, 0.002
	before := cpuOfAll(pid)
	return w.await("an idle daemon", patience, func() (bool, error) {
		if err := w.until(time.Now().Add(pause)); err != nil {
			return false, err
		}
		was := before
		before = cpuOfAll(pid)
		return usedSince(was, before) < next, nil
	})
}
