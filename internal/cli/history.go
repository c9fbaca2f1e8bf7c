package cli

import (
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

const historyHelp = `jobsd history - list the runs of a job

usage: jobsd history [-n NUMBER] [--json] JOB

Prints the runs that ended, the newest last, and between them the slots that
were missed or skipped, as far back as the journal goes.
`

// event is a line of a job's history: a run that ended, or slots that were missed or skipped.
type event struct {
	run    *statefile.Run
	notRun *statefile.NotRun
}

func (a *app) history() *cobra.Command {
	number := 20
	return a.verb(historyHelp, a.oneJob(), a.here(func(s *site, args []string) error { return a.doHistory(s, args[0], number, time.Now()) }),
		opt("number", aNumber, &number, "print only the last NUMBER runs; the default is 20, and 0 prints all").short("n"),
		a.jsonOption(`print an array. A run is an object like last_run in jobsd-state(5); missed or skipped slots are an object like
			{"outcome": "missed" or "skipped", "reason", "first_slot", "last_slot", "number"}`))
}

func (a *app) doHistory(s *site, name string, number int, now time.Time) error {
	if number < 0 {
		return usage("use 0 for all", "-n %d is negative", number)
	}
	events, err := s.events(name)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		if err := s.mustKnow(name); err != nil {
			return err
		}
	}
	if number > 0 && len(events) > number {
		events = events[len(events)-number:]
	}
	if a.json {
		return a.printJSON(eventObjects(events))
	}
	writeHistory(a.out, paletteFor(a.out), events, now)
	return nil
}

// mustKnow returns an error if the state file has no job of that name.
func (s *site) mustKnow(name string) error {
	state, err := s.state()
	if err == nil && state.Jobs[name] == nil {
		err = noJob(name, names(state))
	}
	return err
}

// events reads the history of a job from the journal, the oldest event first.
func (s *site) events(name string) ([]event, error) {
	var events []event
	for entry, err := range statefile.History(s.State, name) {
		if err != nil {
			return nil, s.unreadable(err)
		}
		switch r := entry.Record.(type) {
		case *statefile.Ended:
			events = append(events, event{run: &r.Outcome})
		case *statefile.NotRun:
			events = append(events, event{notRun: r})
		}
	}
	return events, nil
}

func eventObjects(events []event) []any {
	objects := []any{} // no null in the output
	for _, e := range events {
		if e.run != nil {
			objects = append(objects, e.run)
			continue
		}
		p := e.notRun
		objects = append(objects, struct {
			Outcome string          `json:"outcome"`
			Reason  statefile.Cause `json:"reason"`
			First   statefile.Time  `json:"first_slot"`
			Last    statefile.Time  `json:"last_slot"`
			Number  uint64          `json:"number"`
		}{p.Kind(), p.Reason, p.First, p.Last, p.Number})
	}
	return objects
}

func writeHistory(w io.Writer, p palette, events []event, now time.Time) {
	columns := []column{{head: "run", right: true}, {head: "start"}, {head: "reason"}, {head: "status", right: true},
		{head: "time"}, {below: true}}
	var rows [][]cell
	for _, e := range events {
		if e.run != nil {
			rows = append(rows, runRow(e.run, now))
		} else {
			rows = append(rows, notRunRow(e.notRun, now))
		}
	}
	writeTable(w, p, columns, rows)
}

func runRow(r *statefile.Run, now time.Time) []cell {
	took := none
	if !r.StartedAt.IsZero() {
		took = length(time.Duration(r.Duration))
	}
	return []cell{
		{text: strconv.FormatUint(r.Run, 10)},
		{text: when(startOf(r), now, true)},
		{text: cause(r.Reason, r.Attempt)},
		{text: outcomeWord(r)},
		{text: took},
		{runNotes(r).String(), yellow},
	}
}

func runNotes(r *statefile.Run) phrases {
	var p phrases
	p.add(r.Outcome == statefile.OutcomeStartError || r.Outcome == statefile.OutcomeLost, "%s", ending(r))
	p.add(r.Outcome == statefile.OutcomeStopped && r.By != nil, "by %s", text(r.By))
	p.add(r.Core, "core dumped")
	p.add(r.Missed > 0, "missed %d, ran 1", r.Missed)
	p.add(r.Leftovers > 0, "%s", count(r.Leftovers, "leftover"))
	p.add(r.Unjournaled, "unjournaled")
	return p
}

func notRunRow(p *statefile.NotRun, now time.Time) []cell {
	slots := count(int(p.Number), "slot")
	if p.Number > 1 {
		slots += " since " + when(p.First.Time(), now, true)
	}
	return []cell{{text: none}, {text: when(p.Last.Time(), now, true)}, {text: string(p.Reason)}, {p.Kind(), yellow}, {text: none},
		{text: slots}}
}
