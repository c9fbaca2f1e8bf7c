package statefile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// randomRecord returns a record of any kind that changes facts, about one of a few jobs.
func randomRecord(r *rand.Rand) Record {
	names := slices.Sorted(maps.Keys(kinds))
	names = slices.DeleteFunc(names, func(kind string) bool { return kind == (&Checkpoint{}).Kind() })
	record := newRecord(names[r.IntN(len(names))])
	fillRandom(r, reflect.ValueOf(record).Elem())
	if job := reflect.ValueOf(record).Elem().FieldByName("Job"); job.IsValid() {
		job.SetString(fmt.Sprintf("job%d", r.IntN(20)))
	}
	switch record := record.(type) {
	case *Message:
		record.IDs = []uint64{1, 2}
	case *Delivery:
		record.IDs = []uint64{1, 2}
	}
	return record
}

// TestCopy changes facts between the steps of a copy. The copy has the facts as they are at its end.
func TestCopy(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, seed))
	s := newStory(r)
	steps, changed := 0, map[string]bool{}
	for range 300 {
		f := NewFacts("0123456789abcdef0123456789abcdef")
		next := func() {
			e := s.next()
			if r.IntN(2) == 0 {
				e.Record = randomRecord(r)
			}
			before := encode(f)
			f.Apply(e)
			if string(encode(f)) != string(before) {
				changed[e.Kind()] = true
			}
		}
		for range 60 {
			next()
		}
		for id := range uint64(3) {
			f.Notifications = append(f.Notifications, Notification{ID: id, Job: fmt.Sprintf("job%d", id)})
		}
		c := f.BeginCopy()
		var got *Facts
		for got == nil {
			if steps++; r.IntN(3) == 0 {
				next()
			}
			got = c.Step(1 + r.IntN(3))
		}
		want := f.Clone()
		if !same(t, "copy", got, want) {
			t.Fatal("seed ", seed)
		}
		for range 20 { // the copy no longer changes
			next()
		}
		if !same(t, "copy, later", got, want) {
			t.Fatal("seed ", seed)
		}
	}
	if steps < 600 {
		t.Errorf("only %d steps", steps)
	}
	for _, kind := range []string{"all_disabled", "delivery", "ended", "epoch", "intent", "set_aside", "start"} {
		if !changed[kind] {
			t.Errorf("no record of kind %q changed the facts", kind)
		}
	}
}

// TestCopyTakesSteps: however many jobs there are, one step copies only so many.
func TestCopyTakesSteps(t *testing.T) {
	f := NewFacts("id")
	for n := range 100 {
		f.Job(fmt.Sprint("job", n))
	}
	c := f.BeginCopy()
	for step := range 9 {
		if c.Step(10) != nil {
			t.Fatalf("complete after %d steps", step+1)
		}
		f.Job("job7") // this job is copied again
	}
	if c.Step(10) != nil {
		t.Error("complete without the job that has changed")
	}
	if got := c.Step(10); got == nil || len(got.Jobs) != 100 {
		t.Error("not complete")
	}
}
