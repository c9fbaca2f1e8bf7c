package notify

import (
	"context"
	"net/http"
)

// preset makes the requests of a message.
type preset func(d *deliverer, ctx context.Context, m *Message) []request

// Heartbeat is the preset of a request that only says that the daemon works.
const Heartbeat = "heartbeat"

// presets are the services that are known. Their files name the documents that describe their requests.
var presets = map[string]preset{
	Heartbeat:      (*deliverer).heartbeatRequests,
	"json":         (*deliverer).jsonRequests,
	"ntfy":         (*deliverer).ntfyRequests,
	"slack":        (*deliverer).slackRequests,
	"healthchecks": (*deliverer).healthchecksRequests,
}

// heartbeatRequests makes one request without a body. Every service for heartbeats understands GET.
func (d *deliverer) heartbeatRequests(context.Context, *Message) []request {
	return []request{{method: http.MethodGet}}
}

// bad reports whether an event needs the attention of a person.
func (e *Event) bad() bool {
	switch e.Kind {
	case "failure", "crash_loop", "late", "slow", "daemon":
		return true
	}
	return false
}

// good reports whether an event is about something that works.
func (e *Event) good() bool { return e.Kind == "success" || e.Kind == "recovery" }

// brief returns the text of a message for a phone or a chat. With one event it is its story, with more it is a list.
// The end of the output of a single event comes separately.
func (d *deliverer) brief(ctx context.Context, m *Message) (text string, end *tail) {
	if len(m.Events) == 1 {
		e := &m.Events[0]
		text, end = e.story(m.host()), d.tail(ctx, e, maxTail)
		switch {
		case end == nil:
		case end.err != nil:
			text += "\n" + end.err.Error() + "\n"
			end = nil
		case len(end.text) == 0:
			end = nil
		}
		return string(printable([]byte(text), 0)), end
	}
	events, more := m.shown()
	for i := range events {
		text += events[i].headline() + "\n"
	}
	return string(printable([]byte(text+andMore(more)), 0)), nil
}
