package statefile

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The files of the journal are history.jsonl, to which is written, and the older ones history.jsonl.1, the newest of
// them, to history.jsonl.N. Numbers may be missing: a crash can leave a gap, and the next rotation closes it.

// older returns the name of an older file.
func older(n int) string { return journalName + "." + strconv.Itoa(n) }

// numbered returns the name of the newest file for 0, else that of an older one.
func numbered(n int) string {
	if n == 0 {
		return journalName
	}
	return older(n)
}

// olderNumbers returns the numbers of the older files that are there, sorted.
func (d *dir) olderNumbers() ([]int, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, name := range names {
		text, ok := strings.CutPrefix(name, journalName+".")
		if n, err := strconv.Atoi(text); ok && err == nil && n > 0 && name == older(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// dropTwin removes the second name that a rotation gave to the newest file before it crashed.
func (d *dir) dropTwin() error {
	newest, err := d.Lstat(journalName)
	if err != nil {
		return ignoreMissing(err)
	}
	first, err := d.Lstat(older(1))
	if err != nil || !os.SameFile(newest, first) {
		return ignoreMissing(err)
	}
	return d.remove(older(1))
}

// shift makes room for the newest file among the older ones, of which keep are kept, and gives it its second name
// there. It moves no more than it must, so that a rotation that fails again and again loses nothing.
func (d *dir) shift(keep int) error {
	if err := d.dropTwin(); err != nil {
		return err
	}
	numbers, err := d.olderNumbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n > keep {
			if err := d.remove(older(n)); err != nil {
				return err
			}
		}
	}
	free := 1
	for free < keep && slices.Contains(numbers, free) {
		free++
	}
	for n := free; n > 1; n-- {
		if err := d.rename(older(n-1), older(n)); err != nil {
			return err
		}
	}
	return d.giveSecondName()
}

// giveSecondName links the newest file to the first of the older ones. Where there are no links it is renamed, and for
// a moment there is no newest file: then it is recovered from there. If it has been deleted there is nothing to keep.
func (d *dir) giveSecondName() error {
	err := d.link(journalName, older(1))
	if errors.Is(err, fs.ErrExist) { // the only one that is kept
		if err = d.remove(older(1)); err == nil {
			err = d.link(journalName, older(1))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = d.rename(journalName, older(1))
	}
	return ignoreMissing(err)
}

// unshift gives the newest file its own name back, and only that.
func (d *dir) unshift() error {
	if d.exists(journalName) {
		_ = d.dropTwin() // it does no harm
		return nil
	}
	return d.rename(older(1), journalName)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
