package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"jobsd/internal/durable"
	"jobsd/statefile"
)

// delayedArgs keeps the arguments of a person for delayed starts and for runs that are about to start, each in a file that
// only the daemon's user can read. They may be secrets, which must not be in the journal.
type delayedArgs struct {
	dir  string
	runs map[uint64]bool // the runs that have a file
}

// openDelayedArgs returns the arguments of the delayed starts and of the live runs in the facts, and removes all other
// files.
func openDelayedArgs(stateDir string, facts *statefile.Facts) (*delayedArgs, map[uint64][]string) {
	p := &delayedArgs{dir: filepath.Join(stateDir, "delayed_starts"), runs: map[uint64]bool{}}
	args := map[uint64][]string{}
	recall := func(run uint64, has bool) {
		if !has {
			return
		}
		if list, err := p.read(run); err == nil {
			args[run], p.runs[run] = list, true
		}
	}
	for _, j := range facts.Jobs {
		for _, l := range statefile.Items(j.Delayed) {
			recall(l.Run, l.HasArgs)
		}
		for _, l := range j.Live {
			recall(l.Run, l.HasArgs && !l.Ended)
		}
	}
	entries, _ := os.ReadDir(p.dir)
	for _, e := range entries {
		if run, err := strconv.ParseUint(e.Name(), 10, 64); err != nil || !p.runs[run] {
			os.Remove(filepath.Join(p.dir, e.Name()))
		}
	}
	return p, args
}

func (p *delayedArgs) path(run uint64) string {
	return filepath.Join(p.dir, strconv.FormatUint(run, 10))
}

func (p *delayedArgs) read(run uint64) (args []string, err error) {
	f, err := os.OpenFile(p.path(run), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return args, json.NewDecoder(f).Decode(&args)
}

// keep writes the arguments before the journal records the start.
func (p *delayedArgs) keep(run uint64, args []string) error {
	if err := os.Mkdir(p.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot keep the arguments of run %d: %w", run, err)
	}
	text, err := json.Marshal(args)
	if err == nil {
		err = durable.WriteFile(p.path(run), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the arguments of run %d: %w", run, err)
	}
	p.runs[run] = true
	return nil
}

// drop removes the arguments once the run is over or dropped.
func (p *delayedArgs) drop(run uint64) {
	if p.runs[run] {
		delete(p.runs, run)
		os.Remove(p.path(run))
	}
}
