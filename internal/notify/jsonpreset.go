package notify

import (
	"context"
	"encoding/json"

	"jobsd/statefile"
)

// jsonMessage is the body of a request of the preset json. jobs.d(5) documents it.
type jsonMessage struct {
	ID     string      `json:"id"`
	Host   string      `json:"host"`
	Text   string      `json:"text"`
	Events []jsonEvent `json:"events"`
	More   int         `json:"more"` // events that are not in the list
}

type jsonEvent struct {
	ID          string             `json:"id"`
	Kind        string             `json:"kind"`
	Job         *string            `json:"job"`
	Description *string            `json:"description"`
	At          statefile.Time     `json:"at"`
	Run         *uint64            `json:"run"`
	Outcome     *statefile.Outcome `json:"outcome"`
	ExitCode    *int               `json:"exit_code"`
	Signal      *string            `json:"signal"`
	StartedAt   statefile.Time     `json:"started_at"`
	EndedAt     statefile.Time     `json:"ended_at"`
	Duration    *statefile.Seconds `json:"duration"`
	Attempt     *int               `json:"attempt"`
	Text        string             `json:"text"`
	From        []string           `json:"recovered_from"`
	Output      *string            `json:"output"`
	OutputCut   bool               `json:"output_cut"`
	OutputError *string            `json:"output_error"`
}

func (d *deliverer) jsonRequests(ctx context.Context, m *Message) []request {
	events, more := m.shown()
	body := jsonMessage{ID: m.ID, Host: m.host(), Text: m.title(), More: more}
	for i := range events {
		body.Events = append(body.Events, d.jsonEvent(ctx, &events[i]))
	}
	text, _ := json.Marshal(body) // strings and numbers: cannot fail
	return []request{{id: m.ID, contentType: "application/json", body: text}}
}

func (d *deliverer) jsonEvent(ctx context.Context, e *Event) jsonEvent {
	j := jsonEvent{ID: e.ID, Kind: e.Kind, Job: orNull(e.Job), Description: orNull(e.Description), At: e.At, Text: e.headline(), From: e.RecoveredFrom}
	if r := e.Run; r != nil {
		j.Run, j.Attempt, j.StartedAt = &r.Run, &r.Attempt, r.StartedAt
		if r.Outcome != "" {
			j.Outcome, j.ExitCode, j.Signal, j.EndedAt, j.Duration = &r.Outcome, r.ExitCode, r.Signal, r.EndedAt, &r.Duration
		}
	}
	switch t := d.tail(ctx, e, maxTail); {
	case t == nil:
	case t.err != nil:
		j.OutputError = orNull(t.err.Error())
	default:
		text := string(printable(t.text, 0))
		j.Output, j.OutputCut = &text, t.cut
	}
	return j
}

// orNull returns nil for an empty text.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
