package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/machine"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// preview is when one job is due.
type preview struct {
	Job     string           `json:"job"`
	Next    []statefile.Time `json:"next"`
	Explain []remark         `json:"explain,omitzero"` // nil without --explain

	note  string // a short note about the job
	words string // the meaning of a schedule that was given by options
	more  bool   // the window has more times after Next
}

// remark says what is special at a time or, if the time is zero, about the job.
type remark struct {
	At   statefile.Time `json:"at"`
	Text string         `json:"text"`
}

// foresight has what the times of jobs depend on, in addition to their files.
type foresight struct {
	window
	state     *statefile.State
	host      string
	machineID string
	explain   bool
}

func (s *site) foresight(w window, explain bool) *foresight {
	state, err := s.state()
	if err != nil {
		state = &statefile.State{} // previews work without a state file
	}
	return &foresight{w, state, s.host(), machine.ID(), explain}
}

func (f *foresight) preview(d *jobfile.Definition) preview {
	p := preview{Job: d.Name, Next: []statefile.Time{}, note: standingOrder(d)}
	jitter := schedule.Jitter(d.Jitter, f.machineID, f.host, d.Name)
	known := f.state.Jobs[d.Name]
	var due time.Time // when the present interval ends, if a daemon knows it
	if known != nil && !known.NextRun.IsZero() {
		due = known.NextRun.Time().Add(-jitter)
	}
	p.look(d.Schedule, f.window, jitter, due)
	would := p.Next
	word, why := f.barred(d, known)
	if word != "" {
		p.note, p.Next = word, []statefile.Time{}
	}
	if jitter > 0 && len(p.Next) > 0 && !f.explain {
		p.note = joined(p.note, "jitter "+length(jitter))
	}
	if !f.explain {
		return p
	}
	p.Explain = []remark{}
	switch {
	case len(p.Next) == 0:
		if why == "" {
			why = f.whyNot(d, known)
		} else if len(would) > 0 {
			why += fmt.Sprintf("; otherwise it would be due at %s", would[0])
		}
		p.remark(statefile.Time{}, why)
		return p
	case d.Schedule.Kind() == schedule.Every && due.IsZero():
		p.remark(statefile.Time{}, "no daemon knows this job: counted from "+statefile.At(f.from).String())
	}
	p.explainClock(d.Schedule, jitter)
	return p
}

// look fills in the times in the window. An interval continues from due, the next run that a daemon has planned; if due is
// zero, the interval begins with the window.
func (p *preview) look(s *schedule.Schedule, w window, jitter time.Duration, due time.Time) {
	p.Next = []statefile.Time{}
	for t := range slots(s, due, w.from.Add(-jitter)) {
		start := t.Add(jitter)
		if !w.until.IsZero() && start.After(w.until) {
			return
		}
		if len(p.Next) == w.number {
			p.more = true
			return
		}
		p.Next = append(p.Next, statefile.At(start))
	}
}

// slots yields the slots after from.
func slots(s *schedule.Schedule, due, from time.Time) func(yield func(time.Time) bool) {
	next := s.Next
	if s.Kind() == schedule.Every {
		anchor := due.Add(-s.Interval())
		if due.IsZero() {
			anchor = from
		}
		next = func(after time.Time) time.Time {
			return schedule.EveryAfter(anchor, s.Interval(), after).In(s.Location())
		}
	}
	return func(yield func(time.Time) bool) {
		for t := next(from); !t.IsZero() && yield(t); t = next(t) {
		}
	}
}

// barred returns why the job does not run here, in a word and in a sentence; "" if it runs.
func (f *foresight) barred(d *jobfile.Definition, known *statefile.Job) (word, why string) {
	switch by := f.state.Daemon.DisabledBy; {
	case !d.Enabled:
		return "disabled", "disabled by enabled = false"
	case !d.ActiveOn(f.host):
		return "elsewhere: only on " + strings.Join(d.Machines, ", "), fmt.Sprintf("elsewhere: this machine is %s, its machines are %s", f.host, strings.Join(d.Machines, ", "))
	case known != nil && known.DisabledBy != nil:
		return "disabled", "disabled " + disabledText(known.DisabledBy, f.from)
	case by != nil: // also for a job that the daemon does not know yet
		return "disabled", "disabled with all jobs " + disabledText(by, f.from)
	case known != nil && known.InternalError:
		return "internal error", text(known.Error)
	}
	return "", ""
}

// standingOrder says what starts a job apart from its schedule, "" if nothing does.
func standingOrder(d *jobfile.Definition) string {
	switch {
	case d.KeepAlive != nil:
		return "a service"
	case d.Schedule.Kind() != schedule.None:
		return prefixed("also ", d.Causes())
	}
	return "only " + cmp.Or(d.Causes(), "when asked")
}

// whyNot says why a job that is allowed to run is not due in the window.
func (f *foresight) whyNot(d *jobfile.Definition, known *statefile.Job) string {
	switch {
	case d.KeepAlive != nil, d.Schedule.Kind() == schedule.None:
		return standingOrder(d) + ": it has no schedule"
	case d.Schedule.Kind() == schedule.At:
		return f.whyNotAt(d, known)
	}
	return "not due in that time"
}

// whyNotAt says what happened at the single time of a job.
func (f *foresight) whyNotAt(d *jobfile.Definition, known *statefile.Job) string {
	at := statefile.At(d.Schedule.Next(time.Time{}))
	text := fmt.Sprintf("due once, at %s", at)
	if f.from.Before(at.Time()) {
		return text
	}
	if known != nil && known.LastRun != nil && known.LastRun.Slot.Time().Equal(at.Time()) {
		return fmt.Sprintf("%s: that was run %d", text, known.LastRun.Run)
	}
	return text + ", which is past"
}

// explainClock adds remarks on what changes of the clock and jitter do to the times.
func (p *preview) explainClock(s *schedule.Schedule, jitter time.Duration) {
	for _, t := range p.Next {
		slot := t.Time().Add(-jitter)
		if text := s.Explain(slot); text != "" {
			p.remark(t, text)
		}
		if jitter > 0 {
			p.remark(t, fmt.Sprintf("jitter: %s after %s", jitter, statefile.At(slot)))
		}
	}
}

func (p *preview) remark(at statefile.Time, text string) {
	p.Explain = append(p.Explain, remark{at, text})
}

// notes returns the note for each time. The first one also has the notes about the job. Without any time, it returns one
// note about the job.
func (p *preview) notes() []string {
	said := map[int64]string{} // by time
	for _, r := range p.Explain {
		said[r.At.Time().UnixNano()] = joined(said[r.At.Time().UnixNano()], r.Text)
	}
	ofJob := said[time.Time{}.UnixNano()]
	if len(p.Next) == 0 {
		return []string{cmp.Or(ofJob, p.note, "no longer due")}
	}
	notes := make([]string, len(p.Next))
	for i, t := range p.Next {
		notes[i] = joined(p.note, said[t.Time().UnixNano()])
	}
	notes[0] = joined(joined(p.note, ofJob), said[p.Next[0].Time().UnixNano()])
	return notes
}

// joined joins two texts, either of which may be empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
