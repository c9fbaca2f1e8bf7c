package notify

import (
	"context"

	"jobsd/internal/plain"
)

// The facts about ntfy are from its document "Publishing" (docs/publish.md in the repository binwiederhier/ntfy): the
// body of a POST to the URL of a topic is the message, of at most 4,096 bytes, and a longer one becomes an attachment.
// The headers Title, Priority and Tags describe it. A title has at most 1 KB, and may be encoded as RFC 2047 says.
// Priorities are named max, high, default, low and min. Some tags are short codes of emojis, such as warning.
const (
	maxNtfy  = 4096 // bytes
	maxTitle = 200  // characters, which are at most 800 bytes
)

func (d *deliverer) ntfyRequests(ctx context.Context, m *Message) []request {
	text, end := d.brief(ctx, m)
	if end != nil {
		rest := maxNtfy - len(text) - len(endAbove)
		if output, cut := lastLines(string(printable(end.text, 0)), rest); rest > 0 && output != "" {
			text += aboveOutput(end.cut || cut) + output
		}
	}
	q := request{id: m.ID, contentType: "text/plain; charset=utf-8", body: []byte(firstBytes(text, maxNtfy)),
		header: map[string]string{"Title": subject(plain.Cut(m.title(), maxTitle)), "Priority": "default"}}
	newest := &m.Events[len(m.Events)-1]
	switch {
	case anyBad(m):
		q.header["Priority"] = "high"
		q.header["Tags"] = "warning"
	case newest.good():
		q.header["Tags"] = "white_check_mark"
	}
	return []request{q}
}

const endAbove = "\nThe end of its output:\n\n"

// aboveOutput is the line above the output of a run, or above its end. It is not longer than endAbove.
func aboveOutput(cut bool) string {
	if cut {
		return endAbove
	}
	return "\nIts output:\n\n"
}

func anyBad(m *Message) bool {
	for i := range m.Events {
		if m.Events[i].bad() {
			return true
		}
	}
	return false
}
