package statefile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// DefaultMaxSize is the size in bytes at which the journal is rotated.
	DefaultMaxSize = 16_000_000
	// DefaultKeep is the number of older journal files that are kept.
	DefaultKeep = 8

	journalMode = 0o640
)

// Journal is the append-only record of all events, open for writing. It is not safe for concurrent use.
//
// A partial line is never followed by another line. If a write fails, the journal cuts off the partial line; if that
// fails too, it does not write to the file again. The entries of the failed write are lost. Append then refuses
// further entries until the caller writes a checkpoint, because later entries without the lost ones would be wrong.
// The checkpoint contains the result of all entries.
type Journal struct {
	dir  *dir
	file *os.File
	enc  encoder
	max  int64
	keep int
	gid  int // group of the files; -1: the group of the process

	size  int64 // of the file, in bytes
	first int64 // size of its first line, a checkpoint
	lost  error // why entries were lost; nil: none were lost since the last checkpoint
	shut  bool  // the end of the file is not reliable, so nothing may follow it
}

// SetLimits sets the size at which the journal is rotated and the number of older files that are kept; 0 selects the
// default.
func (j *Journal) SetLimits(maxSize int64, keep int) {
	j.max, j.keep = maxSize, keep
	if maxSize <= 0 {
		j.max = DefaultMaxSize
	}
	if keep <= 0 {
		j.keep = DefaultKeep
	}
}

// SetGroup gives the current file and all later files to a group. With -1 they keep the group of the process.
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

// Append writes all entries with one system call. From then on they survive the end of the process, but not a crash
// of the machine; see Sync. After an error, none of them was written.
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
	if cap(j.enc.b) > spillAt { // release the large buffer that the first load of very many jobs needs
		j.enc.b = nil
	}
	if err != nil {
		j.cut()
		return j.lose(err)
	}
	j.size += int64(n)
	return nil
}

// Sync makes everything that was appended durable.
func (j *Journal) Sync() error {
	if j.lost != nil {
		return j.lost
	}
	if err := j.flush(); err != nil {
		j.shut = true // a second sync may report success although the data is lost
		return j.lose(err)
	}
	return nil
}

// Move continues in the directory that now has the path, because the opened directory was removed with everything in
// it. The next checkpoint contains the result of all entries so far.
func (j *Journal) Move(path string) error {
	next, err := j.dir.openAt(path)
	if err != nil {
		return fmt.Errorf("cannot move the journal: %w", err)
	}
	j.dir, j.shut = next, true
	_ = j.lose(errors.New("the state directory was removed"))
	return nil
}

// NeedsCheckpoint reports whether the caller must write a checkpoint next: entries were lost, or the file is full. A
// full file has reached the set size and is also twice as long as its first line, so that the checkpoints of very many
// jobs are not most of what is written. Append still writes to a full file.
func (j *Journal) NeedsCheckpoint() bool {
	return j.lost != nil || j.size >= j.max && j.size >= 2*j.first
}

// Rotate starts a new file with a checkpoint of facts. If entries were lost and the current file is usable, it writes
// the checkpoint into that file instead; otherwise an almost full disk would rotate all history away. The checkpoint
// is durable when Rotate returns. After an error the old file stays in use.
func (j *Journal) Rotate(facts *Facts, at Time) error {
	err := j.dir.stamp(facts)
	if err != nil {
		return fmt.Errorf("cannot write a checkpoint into the journal: %w", err)
	}
	if j.lost != nil && !j.shut && j.size < j.max {
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
	j.dir.Close()
	return j.file.Close()
}

func (j *Journal) write(b []byte) (int, error) {
	if err := j.dir.step("append"); err != nil {
		return 0, err
	}
	return j.file.Write(b)
}

// flush makes the file durable. If the file was deleted, flush fails, because the data would vanish with the process.
func (j *Journal) flush() error {
	if err := j.dir.change("sync", func() error { return dataSync(j.file) }); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(j.file.Fd()), &st); err == nil && st.Nlink == 0 {
		return errors.New("it has been deleted")
	}
	return nil
}

// cut removes what a failed write left behind.
func (j *Journal) cut() {
	if err := j.dir.change("truncate", func() error { return j.file.Truncate(j.size) }); err != nil {
		j.shut = true
	}
}

func (j *Journal) lose(err error) error {
	j.lost = fmt.Errorf("cannot write the journal: %w", err)
	return j.lost
}

// checkpoint writes a checkpoint into the current file.
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

// rotate replaces the current file with a new one. The current file gets its second name before it loses its first,
// so history.jsonl exists at every moment and begins with a checkpoint.
func (j *Journal) rotate(facts *Facts, at Time) error {
	_ = j.flush() // only the history needs this: the checkpoint contains the result of the entries
	next, err := j.dir.create(journalName, journalMode)
	if err != nil {
		return err
	}
	defer next.Cleanup()
	_ = own(next.File, j.gid) // SetGroup has reported this error
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
		if e := j.dir.unshift(); e != nil { // readers find the file under its second name, but it must not grow there
			j.shut = true
			return j.lose(errors.Join(err, e))
		}
		return err
	}
	j.file.Close()
	j.file, j.size, j.first, j.shut = file, first, first, false
	if err := j.dir.flush(); err != nil {
		return j.lose(err)
	}
	return nil
}

// writeCheckpoint writes the line in pieces, because it can be long, and returns its length.
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
