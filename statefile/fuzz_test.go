package statefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// FuzzEntry: an accepted entry is written so that it reads the same again.
func FuzzEntry(f *testing.F) {
	s := newStory(rand.New(rand.NewPCG(1, 2)))
	facts := NewFacts("id")
	var e encoder
	for range 40 {
		x := s.next()
		facts.Apply(x)
		e.b = e.b[:0]
		e.entry(x)
		f.Add(bytes.Clone(e.b))
	}
	e.b = e.b[:0]
	e.entry(Entry{someTime, &Checkpoint{*facts}})
	f.Add(bytes.Clone(e.b))
	f.Add([]byte(`{"kind":"checkpoint","at":"2026-11-23T04:35:00Z","version":3,"id":"x","jobs":{"a":null}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		x, err := decodeEntry(line)
		if err != nil {
			return
		}
		NewFacts("id").Apply(x)
		var a, b encoder
		a.entry(x)
		y, err := decodeEntry(a.b)
		if err != nil {
			t.Fatalf("%v: %s", err, a.b)
		}
		if b.entry(y); !bytes.Equal(a.b, b.b) {
			t.Fatalf("the second reading differs:\n%s\n%s", a.b, b.b)
		}
	})
}

// FuzzJournal: the journal opens with any contents of its files, loses no good line before the damage, and is then
// good and gives the same facts again.
func FuzzJournal(f *testing.F) {
	s := newStory(rand.New(rand.NewPCG(1, 2)))
	facts := NewFacts("id")
	var e encoder
	e.entry(Entry{someTime, &Checkpoint{*facts}})
	for range 10 {
		e.entry(s.next())
	}
	f.Add(e.b, e.b[:len(e.b)/2], []byte(nil), false)
	f.Add(e.b, []byte("garbage\n"), e.b, false)
	f.Add([]byte{}, []byte(nil), e.b[:200], false)
	bare := unsealed(e.b)
	f.Add(bare, bare, []byte(nil), true)
	f.Add(bare, slices.Concat([]byte("garbage\n"), bare), bare, true)
	f.Fuzz(func(t *testing.T, newest, after, first []byte, seal bool) {
		dir := t.TempDir()
		content := append(bytes.Clone(newest), after...)
		if seal { // the fuzzer cannot guess checksums
			content, first = sealed(content), sealed(first)
		}
		if err := errors.Join(os.WriteFile(filepath.Join(dir, journalName), content, 0o600),
			os.WriteFile(filepath.Join(dir, older(1)), first, 0o600)); err != nil {
			t.Fatal(err)
		}
		j, facts, _, err := OpenJournal(dir, 0, 0)
		if errors.Is(err, ErrVersion) {
			if got, _ := os.ReadFile(filepath.Join(dir, journalName)); !bytes.Equal(got, content) {
				t.Fatal("a file of another version was changed")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		whole := wholeLines(content)
		if got, _ := os.ReadFile(filepath.Join(dir, journalName)); !bytes.Contains(got, whole) {
			t.Fatalf("whole lines are missing: %q\nof %q", got, whole)
		}
		e := intent(1 << 60)
		facts.Apply(e)
		if err := errors.Join(j.Append(e), j.Close()); err != nil {
			t.Fatal(err)
		}
		again, messages := reopened(t, dir)
		if same(t, "again", again, facts); len(messages) > 0 {
			t.Fatalf("messages %q", messages)
		}
	})
}

// unsealed removes the checksums and the order counts from the ends of the lines.
func unsealed(content []byte) []byte {
	var bare []byte
	for line := range bytes.Lines(content) {
		i := bytes.LastIndex(line, []byte(ordersKey))
		bare = append(append(bare, line[:i]...), "}\n"...)
	}
	return bare
}

// sealed adds them to each line that ends like an object.
func sealed(content []byte) []byte {
	var whole []byte
	for line := range bytes.Lines(content) {
		if object, ok := bytes.CutSuffix(line, []byte("}\n")); ok && !bytes.Contains(object, []byte(crcKey)) {
			object = append(bytes.Clone(object), ordersKey+"0"...)
			line = append(appendChecksum(object, checksum(0, object)), '\n')
		}
		whole = append(whole, line...)
	}
	return whole
}

// wholeLines returns the good lines, without repeated ones.
func wholeLines(content []byte) []byte {
	var whole, before []byte
	for line := range bytes.Lines(content) {
		_, sum := verified(line)
		ended := bytes.HasSuffix(line, []byte("\n"))
		if sum != nil {
			continue
		}
		if !ended {
			line = append(bytes.Clone(line), '\n')
		}
		if _, err := decodeEntry(line); err == nil && !bytes.Equal(line, before) {
			whole = append(whole, line...)
			before = line
		}
	}
	return whole
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":3,"daemon":{"pid":1},"jobs":{"a":{"state":"armed"}}}`))
	f.Add([]byte(`{"version":3,"jobs":{"a":null}}`))
	f.Add([]byte(`{"version":4}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		if err := checkVersion(document); err != nil {
			return
		}
		state, err := decodeState(document)
		if err != nil {
			return
		}
		text := encode(state)
		again, err := decodeState(text)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		same(t, "again", again, state)
	})
}

func FuzzTime(f *testing.F) {
	for _, text := range []string{"null", `"2026-11-23T04:35:00-05:00"`, `"2026-11-23T04:35:00.120Z"`, `"9999-12-31T23:59:59-23:59"`,
		`"0000-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, `"2026-11-23T04:35:60Z"`, `""`, "7"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, b Time
		if json.Unmarshal(text, &a) != nil {
			return
		}
		a = At(a.Time())
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &b); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if !a.Time().Equal(b.Time()) {
			t.Errorf("%s: %v is written as %s and read as %v", text, a.Time(), written, b.Time())
		}
	})
}

func FuzzSeconds(f *testing.F) {
	for _, text := range []string{"0", "59.1", "0.000001", "-1", "9000000001", "9223372036.8", "1e300", "1e-9", "null"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, b Seconds
		if json.Unmarshal(text, &a) != nil {
			return
		}
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &b); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if off := time.Duration(a - b).Abs(); off > time.Microsecond {
			t.Errorf("%s: %v is written as %s and read as %v", text, time.Duration(a), written, time.Duration(b))
		}
	})
}
