package statefile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// OpenJournal opens the journal in the state directory for writing and returns the facts that it holds, those of a new
// state directory if there is none. A torn last line is expected and cut off. A damaged file is moved aside and what is
// whole of it put in its place; what was done about it is returned in words. The error wraps ErrNewer if a newer
// version of the program wrote the journal; then nothing was changed.
//
// maxSize and keep are as in SetLimits. The caller holds the lock of the directory.
func OpenJournal(path string, maxSize int64, keep int) (*Journal, *Facts, []string, error) {
	d, err := openDir(path)
	if err != nil {
		return nil, nil, nil, err
	}
	j, facts, said, err := openJournal(d)
	if err != nil {
		d.close()
		return nil, nil, nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	j.SetLimits(maxSize, keep)
	return j, facts, said, nil
}

func openJournal(d *dir) (*Journal, *Facts, []string, error) {
	facts := NewFacts("")
	found, err := d.replay(journalName, facts, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	var said []string
	if !found.whole() {
		if said, err = d.repair(found); err != nil {
			return nil, nil, nil, err
		}
		facts = NewFacts("")
		if found, err = d.replay(journalName, facts, nil); err == nil && !found.whole() {
			err = fmt.Errorf("what was just repaired is damaged: %w", found.damage)
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	if err := errors.Join(d.sweep(journalName), d.dropTwin()); err != nil {
		return nil, nil, nil, err
	}
	file, err := d.OpenFile(journalName, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	j := &Journal{dir: d, file: file, gid: -1, size: found.end, first: found.first}
	if found.torn {
		if j.cut(); j.shut {
			file.Close()
			return nil, nil, nil, errors.New("its torn last line cannot be cut off")
		}
	}
	return j, facts, said, nil
}

// found is what a replay saw of a file.
type found struct {
	name    string
	missing bool
	first   int64 // length of its first line if that is a checkpoint
	end     int64 // offset past the last whole line
	torn    bool  // something follows it
	good    int   // lines
	bad     int
	damage  error // the first one
}

// whole tells whether the file can be gone on with.
func (f *found) whole() bool { return !f.missing && f.damage == nil && f.first > 0 }

// note counts damage.
func (f *found) note(err error) {
	if f.damage == nil {
		f.damage = err
	}
	f.bad++
}

// replay applies the whole lines of a file to facts and copies them to keep, if there is one. The error is of a file that
// must be left alone: it cannot be opened, or is of a newer version. Lines after a damaged one count too: they say
// which runs there were and which slots are settled, and a slot must not run a second time.
func (d *dir) replay(name string, facts *Facts, keep io.Writer) (*found, error) {
	f := &found{name: name}
	file, _, err := d.openFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.missing = true
		return f, nil
	case errors.Is(err, errIrregular):
		f.note(err)
		return f, nil
	case err != nil:
		return nil, err
	}
	defer file.Close()
	return f, f.read(newLines(file), facts, keep)
}

func (f *found) read(l *lines, facts *Facts, keep io.Writer) error {
	for l.next() {
		e, err := l.entry()
		if errors.Is(err, ErrNewer) {
			return err
		}
		if err != nil {
			f.note(err)
			continue
		}
		f.good++
		if _, ok := e.Record.(*Checkpoint); ok && l.number == 1 {
			f.first = l.end
		}
		facts.Apply(e)
		if keep != nil {
			if _, err := keep.Write(l.line); err != nil {
				return err
			}
		}
	}
	f.end, f.torn = l.end, l.torn
	switch {
	case l.failed != nil:
		f.note(l.failed)
	case l.number == 0:
		f.note(errors.New("it is empty"))
	case f.first == 0 && f.damage == nil:
		f.note(errors.New("it does not begin with a checkpoint"))
	}
	return nil
}

// repair puts a whole newest file where there is none. It begins with the checkpoint of the damaged one, or else with
// what the older files come to, and goes on with the damaged one's whole lines. What it did is returned in words.
func (d *dir) repair(newest *found) ([]string, error) {
	r := &repair{facts: NewFacts("")}
	if newest.first == 0 {
		if err := r.readOlder(d); err != nil {
			return nil, err
		}
	}
	file, err := d.create(journalName, journalMode)
	if err != nil {
		return nil, err
	}
	defer file.Cleanup()
	if newest.first == 0 {
		if r.facts.ID == "" {
			r.facts.ID = newID()
		}
		if _, err := writeCheckpoint(file, r.facts, At(time.Now())); err != nil {
			return nil, err
		}
	}
	if newest, err = d.replay(journalName, r.facts, file); err != nil {
		return nil, err
	}
	aside, err := d.setAside(newest)
	if err != nil {
		return nil, err
	}
	return r.words(newest, aside), errors.Join(file.replace(), d.flush())
}

type repair struct {
	facts *Facts
	from  []*found // older files that were read
}

// readOlder applies all older files, the oldest first.
func (r *repair) readOlder(d *dir) error {
	numbers, err := d.olderNumbers()
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		f, err := d.replay(older(n), r.facts, nil)
		if err != nil {
			return err
		}
		r.from = append(r.from, f)
	}
	return nil
}

// words says what was repaired; nothing of a state directory that is new.
func (r *repair) words(newest *found, aside string) []string {
	var said []string
	for _, f := range append(r.from, newest) {
		if f.damage != nil {
			said = append(said, fmt.Sprintf("the journal file %s was damaged: %v; whole lines: %d, others: %d", f.name, f.damage, f.good, f.bad))
		}
	}
	switch {
	case aside != "":
		said = append(said, fmt.Sprintf("%s was moved aside as %s and what is whole of it put in its place", newest.name, aside))
	case len(r.from) > 0:
		said = append(said, fmt.Sprintf("%s was missing: went on from older files", newest.name))
	}
	if len(said) > 0 && newest.good == 0 && len(r.from) == 0 {
		said = append(said, "no whole journal file was left: all runs and slots so far are forgotten")
	}
	return said
}

// setAside gives a damaged file another name, at which somebody may look at it. It keeps its own until it is replaced,
// unless there are no links.
func (d *dir) setAside(f *found) (string, error) {
	if f.missing {
		return "", nil
	}
	aside := d.badName(f.name)
	if err := d.link(f.name, aside); err == nil {
		return aside, nil
	}
	return aside, d.rename(f.name, aside)
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
