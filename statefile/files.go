package statefile

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The journal consists of history.jsonl, the current file, and older files: history.jsonl.1, the newest of them, to
// history.jsonl.N. Numbers may be missing: a crash can leave a gap, and the next rotation closes it.

// older returns the name of an older file.
func older(n int) string { return journalName + "." + strconv.Itoa(n) }

// numbered returns the name of the current file for 0, otherwise that of an older file.
func numbered(n int) string {
	if n == 0 {
		return journalName
	}
	return older(n)
}

// olderNumbers returns the sorted numbers of the existing older files.
func (d *dir) olderNumbers() ([]int, error) {
	names, err := d.Names()
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

// dropSecondName removes the second name that a rotation gave to the current file before a crash.
func (d *dir) dropSecondName() error {
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

// shift makes room for the current file among the older ones, keeps at most keep of those, and gives the current file
// its second name there. It moves as few files as possible, so that a rotation that fails repeatedly loses nothing.
func (d *dir) shift(keep int) error {
	if err := d.dropSecondName(); err != nil {
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

// giveSecondName links the current file to the first older name. On a file system without links it renames the file,
// so for a moment there is no current file. A repair then uses the older file. If the current file was deleted, there
// is nothing to keep.
func (d *dir) giveSecondName() error {
	err := d.link(journalName, older(1))
	if errors.Is(err, fs.ErrExist) { // only one older file is kept
		if err = d.remove(older(1)); err == nil {
			err = d.link(journalName, older(1))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = d.rename(journalName, older(1))
	}
	return ignoreMissing(err)
}

// unshift gives the current file its own name back, and only that name.
func (d *dir) unshift() error {
	if d.exists(journalName) {
		_ = d.dropSecondName() // a remaining twin does no harm
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
