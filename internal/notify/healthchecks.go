package notify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"jobsd/statefile"
)

// The facts about Healthchecks are from its documents "Pinging API" and "Attaching logs": a POST to the URL of a check
// is a success, to URL/start a start, to URL/fail a failure, to URL/N the exit status N from 0 to 255, and to URL/log a
// note that changes nothing. The parameter rid is a UUID that is the same for the start and the end of one run. The
// service stores the first 100 kB of the body, and by default a server of one's own the first 10 kB; maxTail is less.

// maxPings is how many pings one message makes. The last ones say how the check is now. There is time for that many even if
// each takes as long as a request may.
const maxPings = 10

// healthchecksRequests makes a ping of each event, in their order. The recovery of a job and the success of the same run
// are one ping, because the check gets the same of both.
func (d *deliverer) healthchecksRequests(ctx context.Context, m *Message) []request {
	var pings []request
	events := m.withoutRecoveries()
	events = events[max(0, len(events)-maxPings):]
	for i := range events {
		e := &events[i]
		q := request{path: e.endpoint(), id: e.ID, contentType: "text/plain; charset=utf-8", body: d.pingBody(ctx, e)}
		if e.Run != nil && e.Job != "" {
			q.query = map[string]string{"rid": runID(m.host(), e.Job, e.Run.Run)}
		}
		pings = append(pings, q)
	}
	return pings
}

// withoutRecoveries leaves out each recovery by a run whose success is among the events.
func (m *Message) withoutRecoveries() []Event {
	return slices.DeleteFunc(slices.Clone(m.Events), func(e Event) bool {
		return e.Kind == "recovery" && e.Run != nil && slices.ContainsFunc(m.Events, func(other Event) bool {
			return other.Kind == "success" && other.Job == e.Job && other.Run != nil && other.Run.Run == e.Run.Run
		})
	})
}

// endpoint returns what follows the URL of the check.
func (e *Event) endpoint() string {
	switch e.Kind {
	case "success", "recovery":
		return ""
	case "start":
		return "start"
	case "failure":
		if r := e.Run; r != nil && r.Outcome == statefile.OutcomeExited && r.ExitCode != nil && *r.ExitCode != 0 {
			return strconv.Itoa(*r.ExitCode)
		}
		return "fail"
	case "crash_loop", "late", "slow", "daemon":
		return "fail"
	}
	return "log" // also of a run that was stopped: it is no success, and the check must not say that the job is well
}

// pingBody is the end of the output, or what happened if there is none.
func (d *deliverer) pingBody(ctx context.Context, e *Event) []byte {
	switch e.Kind {
	case "start":
		return nil
	case "stopped":
		return printable([]byte(e.headline()+"\n"), 0)
	}
	t := d.tail(ctx, e, maxTail)
	if t == nil || t.err != nil || len(t.text) == 0 {
		return printable([]byte(e.headline()+"\n"), 0)
	}
	return printable(t.text, 0)
}

// runID returns a UUID for a run (RFC 9562, version 8).
func runID(host, job string, run uint64) string {
	b := sha256.Sum256(fmt.Appendf(nil, "jobsd %q %q %d", host, job, run))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
