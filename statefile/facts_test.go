package statefile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"jobsd/internal/joblog"
)

// story makes up a plausible history of a few jobs, entry by entry.
type story struct {
	r    *rand.Rand
	now  time.Time
	run  uint64
	live map[string]uint64 // runs by job
}

func newStory(r *rand.Rand) *story {
	return &story{r: r, now: time.Date(2026, 11, 23, 4, 35, 0, 0, time.UTC), live: map[string]uint64{}}
}

func (s *story) at() Time { return At(s.now.In(time.FixedZone("", s.r.IntN(3)*1800))) }

func (s *story) anchor() *Anchor {
	if s.r.IntN(2) == 0 {
		return nil
	}
	return &Anchor{s.at(), time.Duration(s.r.Int64()), "boot"}
}

// next returns the next entry.
func (s *story) next() Entry {
	s.now = s.now.Add(time.Duration(s.r.IntN(100_000)) * time.Millisecond)
	return Entry{s.at(), s.record(fmt.Sprintf("job%d", s.r.IntN(5)))}
}

func (s *story) record(job string) Record {
	run := s.live[job]
	switch n := s.r.IntN(16); {
	case n < 5 && run == 0:
		s.run++
		s.live[job] = s.run
		return &Intent{Job: job, Identity: Identity{Run: s.run, Slot: s.at(), Reason: ReasonSchedule, Attempt: 1}, At: n == 0, Anchor: s.anchor()}
	case n < 3:
		return &Started{Job: job, Run: run, PID: 1 + s.r.IntN(1000), BootID: "boot", PIDStart: 7}
	case n < 6 && run != 0:
		delete(s.live, job)
		code := s.r.IntN(2)
		return &Ended{Job: job, Failed: code != 0, Drained: n == 4, Open: n == 5,
			Outcome: Run{Run: run, EndedAt: s.at(), Outcome: OutcomeExited, ExitCode: &code}}
	case n < 7 && s.r.IntN(2) == 0:
		return &Output{Job: job, Run: s.run, Place: joblog.Place{To: &joblog.Position{Inode: 7, At: s.r.Int64N(1000)}}}
	case n < 7:
		return &Drained{Job: job, Run: s.run}
	case n < 8:
		return &Defined{Job: job, Timing: Timing{Schedule: Hash(1 + s.r.IntN(2))}, Process: 1, LastSlot: s.at(), Anchor: s.anchor()}
	case n < 9:
		return &Deleted{Job: job}
	case n < 11:
		return &NotRun{Job: job, Missed: n == 10, Reason: CauseLate, First: s.at(), Last: s.at(),
			Number: 1 + s.r.Uint64N(5), Anchor: s.anchor(), At: s.r.IntN(2) == 0}
	case n < 12:
		return &Epoch{Epoch: s.r.Uint64N(5), Wall: s.at(), Reset: s.r.IntN(2) == 0}
	case n < 13:
		return &Output{Job: job, Run: run, Place: joblog.Place{From: joblog.Position{Inode: 7, At: s.r.Int64N(1000)}}}
	case n < 14:
		return &Start{PID: 1, BootID: fmt.Sprint(s.r.IntN(3)), Unclean: s.r.IntN(2) == 0}
	case n < 15:
		return &Anchored{Job: job, Anchor: Anchor{Wall: s.at()}}
	}
	return [...]Record{&Ready{Jobs: 5}, &Clean{By: "TERM"}, &Reloaded{New: 1}}[s.r.IntN(3)]
}

// TestCloneShares: a change of a clone does not change the original, and the other way round.
func TestCloneShares(t *testing.T) {
	r := newRand(t)
	s := newStory(r)
	facts := NewFacts("id")
	for range 60 {
		for range 10 {
			facts.Apply(s.next())
		}
		before := string(encode(facts))
		clone := facts.Clone()
		same(t, "clone", clone, facts)
		a, b := *s, *s
		a.live, b.live = map[string]uint64{}, map[string]uint64{}
		for range 20 {
			clone.Apply(a.next())
		}
		if after := string(encode(facts)); after != before {
			t.Fatalf("what happened to the clone shows:\n%s\n%s", before, after)
		}
		before = string(encode(clone))
		for range 20 {
			facts.Clone().Apply(b.next())
			facts.Apply(b.next())
		}
		if after := string(encode(clone)); after != before {
			t.Fatalf("what happened after the clone shows in it:\n%s\n%s", before, after)
		}
	}
}

// TestApplyAgain: a repeated line of a run changes nothing.
func TestApplyAgain(t *testing.T) {
	at, code := At(time.Unix(1e9, 0)), 1
	facts, twice := NewFacts("id"), NewFacts("id")
	for _, record := range []Record{
		&Intent{Job: "a", Identity: Identity{Run: 3, Slot: at, Reason: ReasonSchedule, Attempt: 1}},
		&Started{Job: "a", Run: 3, PID: 7},
		&Ended{Job: "a", Outcome: Run{Run: 3, Outcome: OutcomeExited, ExitCode: &code, EndedAt: at}, Failed: true},
		&Output{Job: "a", Run: 3, Place: joblog.Place{To: &joblog.Position{Inode: 1, At: 7}}},
		&Drained{Job: "a", Run: 3},
	} {
		facts.Apply(Entry{at, record})
		twice.Apply(Entry{at, record})
		twice.Apply(Entry{at, record})
		same(t, record.Kind()+" twice", twice, facts)
	}
	if j := facts.Jobs["a"]; j.Runs != 1 || j.Failures != 1 || j.Consecutive != 1 || len(j.Live) != 0 || facts.LastRun != 3 {
		t.Errorf("%s", encode(facts))
	}
}

// TestFill: fields with the same name in a checkpoint and in the state file have the same value.
func TestFill(t *testing.T) {
	var facts JobFacts
	fill(reflect.ValueOf(&facts).Elem())
	var job Job
	facts.Fill(&job)
	durable, state := parse(t, encode(&facts)), parse(t, encode(&job))
	shared := 0
	for name, value := range durable {
		if name == "schedule" {
			continue // a hash in the journal, words in the state file
		}
		if got, ok := state[name]; ok {
			shared++
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(value)
			if string(a) != string(b) {
				t.Errorf("%s: %s, want %s", name, a, b)
			}
		}
	}
	if shared != 13 {
		t.Errorf("%d fields are shared", shared)
	}
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	old, young := At(now.Add(-KeepRemoved-time.Second)), At(now.Add(-KeepRemoved))
	facts := NewFacts("id")
	facts.Jobs = map[string]*JobFacts{"there": {}, "gone": {RemovedAt: old}, "young": {RemovedAt: young},
		"alive": {RemovedAt: old, Live: []Live{{Identity: Identity{Run: 1}}}}}
	facts.Prune(now)
	if len(facts.Jobs) != 3 || facts.Jobs["gone"] != nil {
		t.Errorf("%s", encode(facts))
	}
}
