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

// OpenJournal opens the journal in the state directory for writing and returns its facts, or the facts of a new state
// directory if there is no journal. It cuts off a torn last line, which is normal after a crash. It moves a damaged
// file aside, replaces it with the good lines, and returns messages about the repair. If the disk cannot be written,
// a message says so, and the journal counts as one that has lost entries: it works after Rotate succeeds. The facts
// include what the damage leaves in doubt, see Damaged.
//
// The error wraps ErrVersion if this program cannot read the version of the journal; then nothing was changed. maxSize
// and keep are as in SetLimits. The caller holds the lock of the directory.
func OpenJournal(path string, maxSize int64, keep int) (*Journal, *Facts, []string, error) {
	d, err := openDir(path)
	if err != nil {
		return nil, nil, nil, err
	}
	j, facts, messages, err := openJournal(d)
	if err != nil {
		d.Close()
		return nil, nil, nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	j.SetLimits(maxSize, keep)
	return j, facts, messages, nil
}

func openJournal(d *dir) (*Journal, *Facts, []string, error) {
	j := &Journal{dir: d, gid: -1}
	facts := NewFacts("")
	found, err := d.replay(journalName, facts, &doubt{}, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	var messages []string
	var broken error
	if !found.whole() {
		r := &repair{dir: d, facts: NewFacts(""), now: At(time.Now())}
		if err := r.run(found); err != nil {
			return nil, nil, nil, err
		}
		if facts, messages, broken = r.facts, r.messages, r.err; broken == nil {
			found, broken = d.replay(journalName, NewFacts(""), &doubt{}, nil)
		}
		j.enc.orders = r.orders
	}
	if broken == nil {
		broken = errors.Join(d.sweep(journalName), d.dropSecondName(), j.begin(found))
	}
	if broken != nil {
		j.shut = true
		messages = append(messages, j.lose(broken).Error())
	}
	return j, facts, messages, nil
}

// begin opens the repaired or undamaged file for appending.
func (j *Journal) begin(found *found) (err error) {
	if err := j.dir.step("open"); err != nil {
		return err
	}
	if j.file, err = j.dir.OpenFile(journalName, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	j.size, j.first, j.enc.orders = found.end, found.first, found.orders
	switch {
	case found.torn:
		j.cut()
	case found.unended:
		if _, err := j.write([]byte("\n")); err != nil {
			return err
		}
		j.size++
	}
	if j.shut {
		return errors.New("cannot cut off its torn last line")
	}
	return nil
}

// found is the result of replaying a file.
type found struct {
	name    string
	missing bool
	first   int64 // length of its first line, if that is a checkpoint
	end     int64 // offset after the last complete line
	torn    bool  // part of a line follows it
	unended bool  // its newline is missing
	orders  uint64
	good    int   // number of good lines
	bad     int   // number of damaged lines
	damage  error // the first damage
}

// whole reports whether the file needs no repair.
func (f *found) whole() bool { return !f.missing && f.damage == nil && f.first > 0 }

// note counts damage.
func (f *found) note(err error) {
	if f.damage == nil {
		f.damage = err
	}
	f.bad++
}

// replay applies the good lines of a file to facts and copies them to keep, if that is not nil. It returns an error
// for a file that must not be touched: one that cannot be opened, or of another version. Good lines after a damaged
// line count too: they show which runs existed and which slots are settled, and a slot must not run twice. Replay
// collects in unsure what the damaged lines leave in doubt.
func (d *dir) replay(name string, facts *Facts, unsure *doubt, keep io.Writer) (*found, error) {
	f := &found{name: name}
	file, _, err := d.openFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.missing = true
		unsure.missing()
		return f, nil
	case errors.Is(err, errIrregular):
		f.note(err)
		unsure.missing()
		return f, nil
	case err != nil:
		return nil, err
	}
	defer file.Close()
	return f, f.read(newLines(file), facts, unsure, keep)
}

func (f *found) read(l *lines, facts *Facts, unsure *doubt, keep io.Writer) error {
	for l.next() {
		e, err := l.entry()
		if errors.Is(err, ErrVersion) {
			return err
		}
		if err != nil {
			if l.number == 1 { // the first line must be a checkpoint
				unsure.missing()
			}
			f.note(err)
			unsure.damage(l.size)
			continue
		}
		f.good++
		if _, ok := e.Record.(*Checkpoint); ok && l.number == 1 {
			f.first = l.end
		} else if l.number == 1 {
			unsure.missing()
		}
		count, counts := l.orders()
		if gap := unsure.whole(e, count, counts); gap != nil {
			f.note(fmt.Errorf("line %d: %w", l.number, gap))
		}
		facts.Apply(e)
		if keep != nil {
			if _, err := keep.Write(l.line); err != nil {
				return err
			}
		}
	}
	f.end, f.torn, f.unended, f.orders = l.end, l.torn, l.unended, unsure.count
	if l.number == 0 || l.failed != nil {
		unsure.missing()
	}
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

// repair makes a good current file. It begins with the checkpoint of the damaged file or, if that has none, with the
// result of the older files, and continues with the good lines of the damaged file. It always finds the facts, even
// if it cannot write.
type repair struct {
	dir      *dir
	facts    *Facts
	now      Time
	unsure   doubt
	orders   uint64   // the final number of orders
	from     []*found // the older files that were read
	file     *newFile // nil: it could not be made
	err      error    // the first error of writing
	messages []string
	doubts   []string // messages about what is in doubt
}

// run repairs the journal. It returns an error if a file must not be touched.
func (r *repair) run(newest *found) error {
	if newest.first == 0 {
		if err := r.readOlder(); err != nil {
			return err
		}
	}
	if r.file, r.err = r.dir.create(journalName, journalMode); r.err == nil {
		defer r.file.Cleanup()
	}
	if newest.first == 0 {
		if r.facts.ID == "" {
			r.facts.ID = NewID()
			r.facts.Device, r.facts.Inode, _ = r.dir.place()
		}
		writeCheckpoint(r, r.facts, r.now, r.unsure.count)
	}
	newest, err := r.dir.replay(journalName, r.facts, &r.unsure, r)
	if err != nil {
		return err
	}
	r.settle(newest)
	aside := ""
	if r.err == nil && !newest.missing {
		aside, r.err = r.dir.setAside(journalName)
	}
	if r.err == nil {
		r.err = errors.Join(r.file.replace(), r.dir.flush())
	}
	r.words(newest, aside)
	return nil
}

// settle appends entries that record what is in doubt, so that reading the file again gives the same facts. A new
// state directory leaves nothing in doubt.
func (r *repair) settle(newest *found) {
	r.orders = r.unsure.count
	if !r.unsure.any() || newest.missing && len(r.from) == 0 {
		return
	}
	enc := encoder{orders: r.orders}
	entries := r.unsure.entries(r.facts, r.now)
	for _, e := range entries {
		enc.entry(e)
		r.facts.Apply(e)
	}
	r.Write(enc.b)
	r.orders = enc.orders
	r.doubts = r.unsure.words(entries)
}

// Write writes to the new file until an error occurs. It hides the error, because reading must continue.
func (r *repair) Write(b []byte) (int, error) {
	if r.err == nil {
		_, r.err = r.file.Write(b)
	}
	return len(b), nil
}

// readOlder applies all older files, the oldest first.
func (r *repair) readOlder() error {
	numbers, err := r.dir.olderNumbers()
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		f, err := r.dir.replay(older(n), r.facts, &r.unsure, nil)
		if err != nil {
			return err
		}
		r.from = append(r.from, f)
	}
	return nil
}

// words describes the repair. It says nothing about a new state directory.
func (r *repair) words(newest *found, aside string) {
	say := func(format string, args ...any) { r.messages = append(r.messages, fmt.Sprintf(format, args...)) }
	for _, f := range append(r.from, newest) {
		if f.damage != nil {
			say("the journal file %s was damaged: %v; good lines: %d, damaged: %d", f.name, f.damage, f.good, f.bad)
		}
	}
	switch {
	case aside != "":
		say("%s was moved aside as %s and replaced by its good lines", newest.name, aside)
	case len(r.from) > 0 && newest.missing:
		say("%s was missing: restored the state from older journal files", newest.name)
	}
	if len(r.messages) > 0 && newest.good == 0 && len(r.from) == 0 {
		say("no usable journal file was left: all earlier runs and slots are forgotten")
	}
	r.messages = append(r.messages, r.doubts...)
}

// setAside gives a damaged file a second name, so that a person can inspect it. The file keeps its own name until it
// is replaced, except on a file system without links.
func (d *dir) setAside(name string) (string, error) {
	aside := d.badName(name)
	if err := d.link(name, aside); err == nil {
		return aside, nil
	}
	return aside, d.rename(name, aside)
}

// NewID returns a new id for a state directory.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
