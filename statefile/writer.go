package statefile

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

// Writer writes the state file. It keeps each job as packed JSON, so that a change of one job encodes only that job, and
// many jobs take little memory. It is not safe for concurrent use.
type Writer struct {
	dir    *dir
	daemon Daemon
	jobs   fragments
	enc    encoder
	out    *bufio.Writer
	sum    uint32   // checksum of the part of the document written so far
	spare  *os.File // reserves a file descriptor for the temporary file; nil: none was left
}

// OpenWriter opens the state file in the state directory for writing. It moves a damaged file aside and returns a
// message about that. The error wraps ErrVersion if this program cannot read the version of the file; then nothing was
// changed. The caller holds the lock of the directory.
func OpenWriter(stateDir string) (*Writer, []string, error) {
	d, err := openDir(stateDir)
	if err != nil {
		return nil, nil, err
	}
	messages, err := d.inspect()
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	if err := d.sweep(stateName); err != nil {
		messages = append(messages, fmt.Sprintf("cannot remove old temporary files from the state directory: %v", err))
	}
	w := &Writer{dir: d, out: bufio.NewWriterSize(nil, 64<<10)}
	w.keepSpare()
	return w, messages, nil
}

// SetDaemon sets the part of the file about the daemon.
func (w *Writer) SetDaemon(d Daemon) { w.daemon = d }

// Update sets the part of the file about a job.
func (w *Writer) Update(name string, j *Job) {
	w.enc.b = w.enc.b[:0]
	w.enc.pack(j)
	w.jobs.set(name, w.enc.b)
}

// Remove removes a job from the file.
func (w *Writer) Remove(name string) { w.jobs.remove(name) }

// Has reports whether the file contains a job.
func (w *Writer) Has(name string) bool { return w.jobs.has(name) }

// Write writes the file. Readers see either the old or the new file, never a part. It returns when the new file is
// durable. After an error the old file stays.
func (w *Writer) Write() error {
	if err := w.write(); err != nil {
		return fmt.Errorf("cannot write the state file: %w", err)
	}
	return nil
}

// Move continues in the directory that now has the path, because the opened directory was removed.
func (w *Writer) Move(path string) error {
	next, err := w.dir.openAt(path)
	if err != nil {
		return fmt.Errorf("cannot move the state file: %w", err)
	}
	w.dir = next
	return nil
}

func (w *Writer) write() error {
	w.spare.Close()
	defer w.keepSpare()
	f, err := w.dir.create(stateName, 0o644)
	if err != nil {
		return err
	}
	defer f.Cleanup()
	w.out.Reset(f)
	w.document()
	if err := w.out.Flush(); err != nil {
		return err
	}
	if err := f.replace(); err != nil {
		return err
	}
	return w.dir.flush()
}

// document writes the file with one line for each job. An error stays in w.out.
func (w *Writer) document() {
	w.enc.b = append(w.enc.b[:0], "{\"version\":"...)
	w.enc.b = append(strconv.AppendInt(w.enc.b, Version, 10), ",\n\"daemon\":"...)
	w.enc.object(&w.daemon)
	w.enc.b = append(w.enc.b, ",\n\"jobs\":{"...)
	w.sum = 0
	w.put(w.enc.b)
	separator := "\n"
	for _, f := range w.jobs.inOrder() {
		w.enc.b = append(appendString(append(w.enc.b[:0], separator...), f.name), ':')
		w.enc.unpack(f.packed)
		w.put(w.enc.b)
		separator = ",\n"
	}
	w.put([]byte("\n}"))
	w.out.Write(append(appendChecksum(w.enc.b[:0], w.sum), '\n'))
}

// put writes a part of the document that the checksum covers.
func (w *Writer) put(b []byte) {
	w.sum = checksum(w.sum, b)
	w.out.Write(b)
}

func (w *Writer) keepSpare() { w.spare, _ = os.Open(os.DevNull) }

// Close closes the directory. The file stays.
func (w *Writer) Close() error {
	w.spare.Close()
	w.dir.Close()
	return nil
}
