package statefile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// DefaultMaxSize is at how many bytes the journal is rotated.
	DefaultMaxSize = 16_000_000
	// DefaultKeep is how many older files of the journal are kept.
	DefaultKeep = 8

	journalMode = 0o640
)

// Journal is the append-only record of all that happened, open for writing. It is not safe for concurrent use.
//
// No half line ever stands in front of another. What a write that failed has left of its line is cut off; if it cannot
// be, the file is not written to again. The entries of that write are lost, and so are those that the caller appends
// until it has handed over a checkpoint: Append refuses them, for without the lost ones they would tell a wrong story.
// The checkpoint says what all of them came to.
type Journal struct {
	dir  *dir
	file *os.File
	enc  encoder
	max  int64
	keep int
	gid  int // of the files; -1: the process's own

	size  int64 // of the file, bytes
	first int64 // of its first line, a checkpoint
	lost  error // why entries were lost; nil: none since the last checkpoint
	old   bool  // the file is of a version whose lines have no checksums
	shut  bool  // the file's end is not what it should be: nothing may follow it
}

// SetLimits sets at how many bytes the journal is rotated and how many older files are kept; 0 is the default of each.
func (j *Journal) SetLimits(maxSize int64, keep int) {
	j.max, j.keep = maxSize, keep
	if maxSize <= 0 {
		j.max = DefaultMaxSize
	}
	if keep <= 0 {
		j.keep = DefaultKeep
	}
}

// SetGroup gives the file, and those that follow it, to a group. -1 leaves them to the process's own.
func (j *Journal) SetGroup(gid int) error {
	j.gid = gid
	if j.file == nil {
		return nil
	}
	return own(j.file, gid)
}

func own(f *os.File, gid int) error {
	if gid < 0 {
		return nil
	}
	if err := f.Chown(-1, gid); err != nil {
		return fmt.Errorf("cannot give the journal to group %d: %w", gid, err)
	}
	return nil
}

// Append writes entries, all of them with one system call. They survive the process from here on, but not the machine:
// see Sync. An error means that none of them was written.
func (j *Journal) Append(entries ...Entry) error {
	if j.lost != nil {
		return j.lost
	}
	j.enc.b = j.enc.b[:0]
	for _, e := range entries {
		begin := len(j.enc.b)
		if j.enc.entry(e); len(j.enc.b)-begin > maxLine {
			return j.lose(fmt.Errorf("an entry of kind %q has %d bytes", e.Kind(), len(j.enc.b)-begin))
		}
	}
	n, err := j.write(j.enc.b)
	if cap(j.enc.b) > spillAt { // the first load of very many jobs comes once
		j.enc.b = nil
	}
	if err != nil {
		j.cut()
		return j.lose(err)
	}
	j.size += int64(n)
	return nil
}

// Sync makes all that was appended durable.
func (j *Journal) Sync() error {
	if j.lost != nil {
		return j.lost
	}
	if err := j.flush(); err != nil {
		j.shut = true // a second try may report success without there being any
		return j.lose(err)
	}
	return nil
}

// Move goes on in the directory that has the path now: the one that was opened has been removed, with all that was in
// it. All that the entries so far came to is in the next checkpoint.
func (j *Journal) Move(path string) error {
	next, err := j.dir.again(path)
	if err != nil {
		return fmt.Errorf("cannot move the journal: %w", err)
	}
	j.dir, j.shut = next, true
	_ = j.lose(errors.New("the state directory was removed"))
	return nil
}

// NeedsCheckpoint tells whether the next thing to be written is a checkpoint: entries were lost, the file is of an older
// version, or it is full. A full file is one of the size set that is also twice as long as its first line, so that the checkpoint of very many
// jobs is not most of what is written. Append goes on in a full file.
func (j *Journal) NeedsCheckpoint() bool {
	return j.lost != nil || j.old || j.size >= j.max && j.size >= 2*j.first
}

// Rotate begins a new file with a checkpoint of facts, or, if entries were lost and the file can go on, writes one into
// it: a disk on the brink would otherwise rotate all history away. The checkpoint is durable when it returns. After an
// error the old file goes on as it was.
func (j *Journal) Rotate(facts *Facts, at Time) error {
	err := j.dir.stamp(facts)
	if err != nil {
		return fmt.Errorf("cannot write a checkpoint into the journal: %w", err)
	}
	if j.lost != nil && !j.shut && !j.old && j.size < j.max {
		err = j.checkpoint(facts, at)
	} else {
		err = j.rotate(facts, at)
	}
	if err != nil {
		return fmt.Errorf("cannot write a checkpoint into the journal: %w", err)
	}
	j.lost = nil
	return nil
}

// Close closes the file without flushing it.
func (j *Journal) Close() error {
	j.dir.close()
	return j.file.Close()
}

func (j *Journal) write(b []byte) (int, error) {
	if err := j.dir.step("append"); err != nil {
		return 0, err
	}
	return j.file.Write(b)
}

// flush makes the file durable. One that somebody has deleted is not: it would be gone with the process.
func (j *Journal) flush() error {
	if err := j.dir.step("sync"); err != nil {
		return err
	}
	if err := dataSync(j.file); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(j.file.Fd()), &st); err == nil && st.Nlink == 0 {
		return errors.New("it has been deleted")
	}
	return nil
}

// cut removes what a write that failed has left.
func (j *Journal) cut() {
	if err := j.dir.step("truncate"); err != nil {
		j.shut = true
		return
	}
	if err := j.file.Truncate(j.size); err != nil {
		j.shut = true
	}
}

func (j *Journal) lose(err error) error {
	j.lost = fmt.Errorf("cannot write the journal: %w", err)
	return j.lost
}

// checkpoint writes one into the present file.
func (j *Journal) checkpoint(facts *Facts, at Time) error {
	n, err := writeCheckpoint(writerFunc(j.write), facts, at, j.enc.orders)
	if err != nil {
		j.cut()
		return err
	}
	j.size += n
	if err := j.flush(); err != nil {
		j.shut = true
		return err
	}
	return j.dir.flush()
}

// rotate puts a new file in the place of the present one. That one gets its second name before it loses its first: at
// any moment history.jsonl is there and begins with a checkpoint.
func (j *Journal) rotate(facts *Facts, at Time) error {
	_ = j.flush() // for the history alone: what its entries came to is in the checkpoint
	next, err := j.dir.create(journalName, journalMode)
	if err != nil {
		return err
	}
	defer next.Cleanup()
	_ = own(next.File, j.gid) // SetGroup has told
	first, err := writeCheckpoint(next, facts, at, j.enc.orders)
	if err != nil {
		return err
	}
	file, err := j.dir.reopen(next)
	if err != nil {
		return err
	}
	if err := j.dir.shift(j.keep); err != nil {
		file.Close()
		return err
	}
	if err := next.replace(); err != nil {
		file.Close()
		if e := j.dir.unshift(); e != nil { // it is found under its second name, but must not go on there
			j.shut = true
			return j.lose(errors.Join(err, e))
		}
		return err
	}
	j.file.Close()
	j.file, j.size, j.first, j.shut, j.old = file, first, first, false, false
	if err := j.dir.flush(); err != nil {
		return j.lose(err)
	}
	return nil
}

// writeCheckpoint writes the line piece by piece, for it can be long, and returns its length.
func writeCheckpoint(w io.Writer, facts *Facts, at Time, orders uint64) (int64, error) {
	counted := &counter{w: w}
	enc := encoder{w: counted, orders: orders}
	enc.entry(Entry{at, &Checkpoint{*facts}})
	enc.spill()
	if enc.err == nil && counted.n > maxCheckpoint {
		enc.err = fmt.Errorf("it has %d bytes", counted.n)
	}
	return counted.n, enc.err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
