package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

var flipsFlag = flag.Int("flips", 100, "damage the journals of simulated lives this many times")

// TestDamagedJournal runs random jobs for random hours, kills the daemon and damages the journal in one place, again
// and again. The next daemon continues with what it finds. It runs no slot twice, no at_boot job twice in a boot, uses
// no run number twice, and runs nothing that a person has disabled or held. It finds what was there, or reports the
// damage. Many more rounds: go test ./runner/core -run DamagedJournal -flips 10000 -v
func TestDamagedJournal(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again with: go test ./runner/core -run TestDamagedJournal -flips %d -seed %d", *flipsFlag, seed)
	const each = 50
	told, refused, silent := 0, 0, 0
	for n := 0; n < *flipsFlag; n += each {
		w := endedLife(t, seed+uint64(n))
		dir := t.TempDir()
		file := filepath.Join(dir, "history.jsonl")
		truth := w.writeJournal(dir)
		journal, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for k := range each {
			x := w.clone(seed + uint64(n+k))
			damaged, what := damage(x.rng, bytes.Clone(journal))
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			j, facts, said, err := statefile.OpenJournal(dir, 0, 0)
			if err == nil {
				facts.LastAt = truth.LastAt // a line that is there twice changes no other fact
			}
			switch {
			case errors.Is(err, statefile.ErrVersion):
				refused++
				continue
			case err != nil:
				t.Fatal(err)
			case len(said) > 0:
				told++
			case !bytes.Equal(asJSON(t, facts), asJSON(t, truth)):
				silent++
			}
			j.Close()
			x.note("%s: %q", what, said)
			x.goOn(dir, truth)
		}
	}
	t.Logf("damaged %d times: said %d, refused as newer %d, other facts in silence %d", *flipsFlag, told, refused, silent)
	if silent > 0 {
		t.Errorf("other facts in silence: %d", silent)
	}
}

// endedLife returns the world after a random life whose daemon, or machine, crashed.
func endedLife(t *testing.T, seed uint64) *world {
	w := newWorld(t, seed)
	for n := range 2 + w.rng.IntN(6) {
		w.put(w.randomJob(fmt.Sprint("job", n)))
	}
	w.start()
	for range 5 + w.rng.IntN(40) {
		w.run(time.Duration(w.rng.ExpFloat64() * float64(20*time.Minute)))
		w.disturb()
	}
	if w.rng.IntN(2) == 0 && len(w.defs) > 0 {
		job := w.defs[w.rng.IntN(len(w.defs))].Def.Name
		w.handle(Order{ID: 1, Verb: VerbDisable, Job: job, By: "uid 0"})
		w.settle()
		w.run(time.Duration(w.rng.IntN(3600)) * time.Second)
	}
	w.finishDisk()
	if w.rng.IntN(3) == 0 {
		w.reboot(time.Duration(w.rng.IntN(12*3600)) * time.Second)
	} else {
		w.crash()
	}
	return w
}

// writeJournal writes the daemon's records to a directory and returns their facts.
func (w *world) writeJournal(dir string) *statefile.Facts {
	w.t.Helper()
	j, facts, _, err := statefile.OpenJournal(dir, 0, 0)
	for _, e := range w.journal {
		facts.Apply(e)
		err = errors.Join(err, j.Append(e))
	}
	if err = errors.Join(err, j.Close()); err != nil {
		w.t.Fatal(err)
	}
	return facts
}

// clone returns a world without a daemon that continues from here.
func (w *world) clone(seed uint64) *world {
	x := newWorld(w.t, seed)
	x.wall, x.boot, x.mono, x.bootID, x.zone = w.wall, w.boot, w.mono, w.bootID, w.zone
	x.defs, x.on, x.config = slices.Clone(w.defs), maps.Clone(w.on), w.config
	x.executions, x.booted = maps.Clone(w.executions), maps.Clone(w.booted)
	x.unwritten, x.written = maps.Clone(w.unwritten), maps.Clone(w.written)
	x.schedules, x.delayedArgs = maps.Clone(w.schedules), maps.Clone(w.delayedArgs)
	x.trace = slices.Clone(w.trace)
	for run, p := range w.procs {
		q := *p
		x.procs[run] = &q
		if q.leader {
			x.later(max(0, q.endsAt-x.mono), func() { x.dies(run, false) })
		}
	}
	return x
}

// goOn runs the world for some hours under a daemon that finds the journal in dir.
func (w *world) goOn(dir string, truth *statefile.Facts) {
	w.t.Helper()
	for e, err := range statefile.History(dir) {
		if err != nil {
			w.t.Fatal(err)
		}
		if r, ok := e.Record.(*statefile.AllDisabled); e.Kind() == "damaged" || ok && r.By != nil && r.By.Who == "jobsd" {
			e.At = statefile.At(w.wall) // the repair used the real clock
		}
		w.journal = append(w.journal, e)
	}
	was := maps.Clone(w.booted)
	w.start()
	w.run(3 * time.Hour)
	for key, n := range was {
		if w.booted[key] > n {
			w.fatal("at_boot ran again: %s", key)
		}
	}
	for _, s := range w.ran {
		f := truth.Jobs[s.Job.Name]
		kept := w.stays(truth.DisabledBy) || f != nil && (w.stays(f.DisabledBy) || f.SetAside || f.Held && truth.BootID == w.bootID)
		promised := f != nil && f.Delayed != nil // a delayed start releases a service
		if s.Reason != statefile.ReasonManual && kept && !promised {
			w.fatal("%s ran, reason %s, although a person keeps it from running", s.Job.Name, s.Reason)
		}
	}
}

// stays reports whether jobs are disabled for longer than the world lasts.
func (w *world) stays(by *statefile.DisabledBy) bool {
	return by != nil && (by.Until.IsZero() || by.Until.Time().After(w.wall))
}

func asJSON(t *testing.T, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// orderLines matches the lines that keep a job from running or allow it again.
var orderLines = regexp.MustCompile(`(?m)^\{"kind":"(disabled|all_disabled|held|set_aside)".*\n`)

// damage changes a file in one place and describes the change.
func damage(r *rand.Rand, file []byte) ([]byte, string) {
	at := r.IntN(len(file))
	if orders := orderLines.FindAllIndex(file, -1); len(orders) > 0 && r.IntN(3) == 0 { // they are few but matter most
		line := orders[r.IntN(len(orders))]
		at = line[0] + r.IntN(line[1]-line[0])
	}
	switch r.IntN(10) {
	case 0:
		return slices.Delete(file, at, at+1), fmt.Sprintf("byte %d removed", at)
	case 1:
		n := min(1+r.IntN(1000), len(file)-at)
		clear(file[at : at+n])
		return file, fmt.Sprintf("%d bytes zeroed from byte %d on", n, at)
	case 2:
		lines := bytes.SplitAfter(file, []byte("\n"))
		n := r.IntN(len(lines) - 1)
		return bytes.Join(slices.Insert(slices.Clone(lines), n+1, lines[n]), nil), fmt.Sprintf("line %d doubled", n+1)
	}
	bit := r.IntN(8)
	file[at] ^= 1 << bit
	return file, fmt.Sprintf("bit %d of byte %d flipped", bit, at)
}

// TestDisabledByDamage: if damage to the journal disables all jobs, that is a trouble of the daemon and is mailed once.
func TestDisabledByDamage(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.config.Mail.To = []string{"root"}
	w.put(w.define("hourly", clockKeys("0 * * * *")))
	w.start()
	w.run(time.Minute)
	w.crash()
	dir := t.TempDir()
	w.writeJournal(dir)
	file := filepath.Join(dir, "history.jsonl")
	journal, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	journal[len(journal)-3] ^= 1 // part of the checksum of the last line, after which no line counts the orders
	if err := os.WriteFile(file, journal, 0o600); err != nil {
		t.Fatal(err)
	}
	j, facts, said, err := statefile.OpenJournal(dir, 0, 0)
	if err != nil || !facts.DisabledBy.ByDamage() {
		t.Fatalf("%v, %q", err, said)
	}
	j.Close()
	by := *facts.DisabledBy
	by.When = statefile.At(w.wall)
	w.journal = append(w.journal, statefile.Entry{At: by.When, Record: &statefile.AllDisabled{By: &by}})
	degraded := func() string {
		var d statefile.Daemon
		w.c.Daemon(&d)
		return strings.Join(d.Degraded, "\n")
	}
	for range 2 {
		w.run(time.Minute)
		w.start()
		w.run(2 * time.Hour)
		if text := degraded(); !strings.Contains(text, "all jobs are disabled: the journal was damaged") || !strings.Contains(text, "jobsd enable --all") {
			t.Errorf("degraded: %q", text)
		}
		w.crash()
	}
	sent := slices.DeleteFunc(slices.Clone(w.sent), func(s string) bool { return !strings.Contains(s, "damaged") })
	if len(sent) != 1 {
		t.Errorf("sent %q", w.sent)
	}
	w.start()
	w.want("")
	w.ordered(Order{ID: 1, Verb: VerbEnable})
	if text := degraded(); text != "" {
		t.Errorf("degraded: %q", text)
	}
}
