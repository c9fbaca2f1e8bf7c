package main

import (
	"encoding/binary"
	"errors"
	"os"
	"time"
)

// A stamp is what a job has written when it started, see bench/stamp.
type stamp struct {
	at  time.Time
	pid int
}

const stampSize = 16

// makeStamps makes an empty file that jobs of all users can write to.
func makeStamps(path string) error {
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		return err
	}
	return os.Chmod(path, 0o666)
}

func parseStamps(text []byte) (all []stamp, err error) {
	if len(text)%stampSize != 0 {
		return nil, errors.New("a stamp is cut off")
	}
	for ; len(text) > 0; text = text[stampSize:] {
		all = append(all, stamp{time.Unix(0, int64(binary.LittleEndian.Uint64(text))), int(binary.LittleEndian.Uint64(text[8:]))})
	}
	return all, nil
}

// waitStamps waits until a file has n stamps of jobs of a process, and returns them.
func (w *bench) waitStamps(p *process, path string, n int) ([]stamp, error) {
	err := w.await(plural(n, "start")+" of jobs of "+p.name, patienceFor(n), func() (bool, error) {
		info, err := os.Stat(path)
		if err == nil && info.Size() < int64(n)*stampSize && p.ended() {
			err = p.failure()
		}
		return err == nil && info.Size() >= int64(n)*stampSize, err
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseStamps(text)
}

// starts returns the seconds from an instant until the first and the last start.
func starts(all []stamp, due time.Time) (first, last float64) {
	for i, s := range all {
		late := s.at.Sub(due).Seconds()
		if i == 0 || late < first {
			first = late
		}
		if i == 0 || late > last {
			last = late
		}
	}
	return first, last
}
