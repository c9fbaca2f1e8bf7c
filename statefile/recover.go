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
// whole of it put in its place; what was done about it is returned in words. If the disk does not let itself be written
// to, that is said too, and the journal is one that has lost entries: it works once Rotate has succeeded. What damage
// leaves in doubt is among the facts, see Damaged.
//
// The error wraps ErrNewer if a newer version of the program wrote the journal; then nothing was changed. maxSize and
// keep are as in SetLimits. The caller holds the lock of the directory.
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
	j := &Journal{dir: d, gid: -1}
	facts := NewFacts("")
	found, err := d.replay(journalName, facts, &doubt{}, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	var said []string
	var broken error
	if !found.whole() {
		r := &repair{dir: d, facts: NewFacts(""), now: At(time.Now())}
		if err := r.run(found); err != nil {
			return nil, nil, nil, err
		}
		if facts, said, broken = r.facts, r.said, r.err; broken == nil {
			found, broken = d.replay(journalName, NewFacts(""), &doubt{}, nil)
		}
		j.enc.orders = r.orders
	}
	if broken == nil {
		broken = errors.Join(d.sweep(journalName), d.dropTwin(), j.begin(found))
	}
	if broken != nil {
		j.shut = true
		said = append(said, j.lose(broken).Error())
	}
	return j, facts, said, nil
}

// begin opens the file, which is whole, to append to it.
func (j *Journal) begin(found *found) (err error) {
	if err := j.dir.step("open"); err != nil {
		return err
	}
	if j.file, err = j.dir.OpenFile(journalName, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return err
	}
	j.size, j.first, j.old, j.enc.orders = found.end, found.first, found.plain, found.orders
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
		return errors.New("its torn last line cannot be cut off")
	}
	return nil
}

// found is what a replay saw of a file.
type found struct {
	name    string
	missing bool
	first   int64 // length of its first line if that is a checkpoint
	end     int64 // offset past the last whole line
	torn    bool  // something follows it
	unended bool  // its newline is missing
	plain   bool  // its lines have no checksums
	orders  uint64
	good    int // lines
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
// which runs there were and which slots are settled, and a slot must not run a second time. What the damaged ones leave
// in doubt is gathered in unsure.
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
		if errors.Is(err, ErrNewer) {
			return err
		}
		if err != nil {
			if l.number == 1 { // where a checkpoint belongs
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
	f.end, f.torn, f.unended, f.plain, f.orders = l.end, l.torn, l.unended, l.plain, unsure.count
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

// repair puts a whole newest file where there is none. It begins with the checkpoint of the damaged one, or else with
// what the older files come to, and goes on with the damaged one's whole lines. It always finds out the facts, even if
// it cannot write.
type repair struct {
	dir    *dir
	facts  *Facts
	now    Time
	unsure doubt
	orders uint64   // that were counted in the end
	from   []*found // older files that were read
	file   *newFile // nil: could not be made
	err    error    // of writing
	said   []string
	doubts []string // what is in doubt, in words
}

// run repairs. The error is of reading: a file must be left alone.
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

// settle makes a fact of what is in doubt, at the end of the file: a second reading of it comes to the same. A state
// directory that is new leaves nothing in doubt.
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

// Write writes to the new file as long as that works: the reading goes on in any case.
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

// words says what was repaired; nothing of a state directory that is new.
func (r *repair) words(newest *found, aside string) {
	say := func(format string, args ...any) { r.said = append(r.said, fmt.Sprintf(format, args...)) }
	for _, f := range append(r.from, newest) {
		if f.damage != nil {
			say("the journal file %s was damaged: %v; whole lines: %d, others: %d", f.name, f.damage, f.good, f.bad)
		}
	}
	switch {
	case aside != "":
		say("%s was moved aside as %s and what is whole of it put in its place", newest.name, aside)
	case len(r.from) > 0 && newest.missing:
		say("%s was missing: went on from older files", newest.name)
	}
	if len(r.said) > 0 && newest.good == 0 && len(r.from) == 0 {
		say("no whole journal file was left: all runs and slots so far are forgotten")
	}
	r.said = append(r.said, r.doubts...)
}

// setAside gives a damaged file another name, at which somebody may look at it. It keeps its own until it is replaced,
// unless there are no links.
func (d *dir) setAside(name string) (string, error) {
	aside := d.badName(name)
	if err := d.link(name, aside); err == nil {
		return aside, nil
	}
	return aside, d.rename(name, aside)
}

// NewID returns a new name of a state directory.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
