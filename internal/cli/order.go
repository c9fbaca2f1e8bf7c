package cli

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"jobsd/internal/control"
	"jobsd/internal/schedule"
	"jobsd/spawn"
	"jobsd/statefile"
)

// order is the request of a verb to the daemon, about some jobs. The options of the verb fill it in.
type order struct {
	control.Request
	length time.Duration // --for
	end    time.Time     // --until
}

func (o *order) waitOption(about string) option { return opt("wait", nothing, &o.Wait, about) }
func (o *order) runOption(about string) option  { return opt("run", aNumber, &o.Run, about) }
func (o *order) allOption(about string) option  { return opt("all", nothing, &o.All, about) }
func (o *order) forOption(about string) option  { return o.delayOption("for", &o.length, about) }
func (o *order) untilOption(about string) option {
	return opt("until", aTime, &o.end, about+` a time such as 18:00, "now + 1h", "tomorrow 4pm" or "2026-12-24 18:00"`)
}

// delayOption is an option with a duration that the daemon accepts.
func (o *order) delayOption(name string, to *time.Duration, about string) option {
	return opt(name, aDuration, func(text string) error {
		d, err := schedule.ParseDuration(text)
		if err == nil && (d <= 0 || d > control.MaxIn) {
			err = fmt.Errorf("must be more than 0 and at most %dd", control.MaxIn/(24*time.Hour))
		}
		if *to = d; err != nil {
			return usage("jobsd help "+o.Verb, "--%s %s: %w", name, text, err)
		}
		return nil
	}, about)
}

// complete computes the rest of the request from the options, and checks it.
func (o *order) complete(now time.Time) error {
	hint := "jobsd help " + o.Verb
	switch o.Until = o.end; {
	case o.length > 0 && !o.end.IsZero():
		return usage(hint, "%s: --for cannot be combined with --until", o.Verb)
	case o.length > 0:
		o.Until = now.Add(o.length)
	case !o.end.IsZero() && !o.end.After(now):
		return usage("give a time in the future", "--until %s is in the past", statefile.At(o.end))
	}
	if o.Run != 0 && !o.Until.IsZero() {
		return usage(hint, "%s: --run cannot be combined with --for or --until", o.Verb)
	}
	if o.Verb == control.Signal && spawn.SignalNumber(o.Signal) == 0 {
		return usage("use a name such as HUP, USR1 or TERM; kill -l lists all", "signal: no signal is called %q", o.Signal)
	}
	for _, arg := range o.Args {
		if !utf8.ValidString(arg) { // JSON cannot carry it unchanged
			return usage("", "the argument %q is not UTF-8", arg)
		}
	}
	return nil
}

// address completes the request, and returns the jobs that words name.
func (a *app) address(o *order, words []string) (*site, []string, error) {
	if err := o.complete(time.Now()); err != nil {
		return nil, nil, err
	}
	s, err := a.site()
	if err != nil || o.All {
		return s, []string{""}, err
	}
	jobs, err := s.expand(words)
	switch {
	case err != nil || len(jobs) == 1:
	case o.Run != 0:
		err = usage("name one job", "--run %d needs exactly one job, but got %d", o.Run, len(jobs))
	case o.Wait:
		err = usage("start them one by one; write arguments for a job after --", "--wait needs exactly one job, but got %d", len(jobs))
	}
	return s, jobs, err
}

// answer is the daemon's answer about one job, and what the state file then says about the job.
type answer struct {
	job string
	control.Response
	state *statefile.Job // nil: nothing
}

// send sends the request for each of the jobs, up to atOnce at the same time. It returns the answers in the order of the
// jobs, and reports errors in this order, when the state file has what the daemon has done.
func (a *app) send(s *site, jobs []string, o *order, atOnce int) ([]answer, error) {
	all, errs := make([]answer, len(jobs)), make([]error, len(jobs))
	turns := make(chan struct{}, atOnce)
	var sent sync.WaitGroup
	for i, job := range jobs {
		turns <- struct{}{}
		sent.Go(func() {
			all[i].job = job
			all[i].Response, errs[i] = s.exchange(o.Request, job)
			<-turns
		})
	}
	sent.Wait()
	var answers []answer
	var newest control.Response
	i := 0
	err := a.each(jobs, func(string) error {
		if errs[i] == nil {
			answers = append(answers, all[i])
			if all[i].Uptime >= newest.Uptime {
				newest = all[i].Response
			}
		}
		i++
		return errs[i-1]
	})
	if answers == nil {
		return nil, err
	}
	a.tellUnseen(s, newest) // once: with ten thousand jobs the state file takes a while
	known := s.known()
	for i := range answers {
		answers[i].state = known[answers[i].job]
	}
	return answers, err
}

// exchange sends a request about a job and waits for the last line of the answer.
func (s *site) exchange(r control.Request, job string) (control.Response, error) {
	r.Job = job
	client, answer, err := s.ask(r)
	if err != nil {
		return answer, err
	}
	defer client.Close()
	for !answer.Last {
		if answer, err = client.Next(); err != nil {
			return answer, s.refused(err, r)
		}
	}
	return answer, nil
}
