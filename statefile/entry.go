package statefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// ErrNewer and ErrOlder mean that a version of the program wrote the file whose format this one cannot read. The file
// has not been changed. Both match ErrVersion.
const (
	ErrVersion = versionError("another version of jobsd wrote it")
	ErrNewer   = versionError("a newer version of jobsd wrote it")
	ErrOlder   = versionError("an older development build of jobsd wrote it")
)

type versionError string

func (e versionError) Error() string { return string(e) }

func (e versionError) Is(target error) bool { return target == ErrVersion }

// kinds has an empty record of each kind.
var kinds = func() map[string]Record {
	all := map[string]Record{}
	for _, r := range []Record{
		&Checkpoint{}, &Start{}, &Ready{}, &Clean{}, &Reserved{}, &Reloaded{}, &Defined{}, &Deleted{}, &Held{}, &Disabled{},
		&AllDisabled{}, &Delayed{}, &SetAside{}, &Epoch{}, &Anchored{}, &NotRun{Missed: true}, &NotRun{}, &Intent{}, &Started{},
		&Stopping{}, &Ended{}, &Dropped{}, &Stable{}, &Message{}, &Delivery{}, &Expected{}, &Late{}, &Slow{}, &Uncounted{}, &DaemonNotification{}, &Output{}, &Drained{},
		&Damaged{},
	} {
		all[r.Kind()] = r
	}
	return all
}()

// newRecord returns an empty record of a kind, nil if there is no such kind.
func newRecord(kind string) Record {
	empty := kinds[kind]
	if empty == nil {
		return nil
	}
	r := reflect.New(reflect.TypeOf(empty).Elem())
	r.Elem().Set(reflect.ValueOf(empty).Elem())
	return r.Interface().(Record)
}

// entry appends the line of an entry: the kind, the time, the fields of the record, the number of orders, and the
// checksum.
func (e *encoder) entry(x Entry) {
	e.begin, e.sum = len(e.b), 0
	if countsAsOrder(x.Record) {
		e.orders++
	}
	e.b = append(append(append(e.b, `{"kind":"`...), x.Kind()...), `","at":`...)
	e.b = x.At.appendJSON(e.b)
	e.fields(reflect.ValueOf(x.Record).Elem(), ",")
	e.b = strconv.AppendUint(append(e.b, ordersKey...), e.orders, 10)
	e.b = appendChecksum(e.b, checksum(e.sum, e.b[e.begin:]))
	e.b = append(e.b, '\n')
}

// decodeEntry reads a line, with or without its newline. It ignores unknown fields, because a newer program may write
// them in the same version.
func decodeEntry(line []byte) (Entry, error) {
	var head struct {
		Kind string
		At   Time
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return Entry{}, err
	}
	record := newRecord(head.Kind)
	switch {
	case record == nil:
		return Entry{}, fmt.Errorf("unknown kind %q", head.Kind)
	case head.At.IsZero():
		return Entry{}, errors.New("it has no time")
	}
	checkpoint, ok := record.(*Checkpoint)
	if ok {
		if err := checkVersion(line); err != nil {
			return Entry{}, err
		}
	}
	if err := json.Unmarshal(line, record); err != nil {
		return Entry{}, err
	}
	switch job := jobOf(record); {
	case job.IsValid() && job.Len() == 0:
		return Entry{}, errors.New("it has no job")
	case ok && checkpoint.ID == "":
		return Entry{}, errors.New("it has no id")
	}
	return Entry{head.At, record}, nil
}

// jobOf returns the name of the job that a record is about. The value is not valid if the record has no job.
func jobOf(r Record) reflect.Value { return reflect.ValueOf(r).Elem().FieldByName("Job") }

// checkVersion returns an error if this program cannot read the version of the document. It reads only as far as the
// version, because the rest of another version may be anything.
func checkVersion(document []byte) error {
	d := json.NewDecoder(bytes.NewReader(document))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("it is not a JSON object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		if key == "version" {
			return judgeVersion(v)
		}
	}
	return errors.New("it has no version")
}

func judgeVersion(text []byte) error {
	var v int
	switch err := json.Unmarshal(text, &v); {
	case err != nil:
		return fmt.Errorf("it has no version: %w", err)
	case v > Version:
		return ErrNewer
	case v < 1:
		return fmt.Errorf("it has the unknown version %d", v)
	case v < Version:
		return ErrOlder
	}
	return nil
}
