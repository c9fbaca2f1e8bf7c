package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// The facts about Slack are from its documents "Sending messages using incoming webhooks" (a POST of JSON with "text"),
// "Formatting text for app surfaces" (the characters &, < and > are written as HTML entities, three backticks enclose a
// block of code) and "Truncating really long messages" (clients should stay below 4,000 characters; Slack cuts at
// 40,000 and may break a shorter text into several messages).
const maxSlack = 4000 // characters; bytes are never fewer

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

const fence = "```"

func (d *deliverer) slackRequests(ctx context.Context, m *Message) []request {
	text, end := d.brief(ctx, m)
	first := m.host() + ": " // people see only the first line in a notification of the chat
	if n := len(m.Events); n > 1 {
		first += fmt.Sprintf("%d events:\n", n)
	}
	text = string(printable([]byte(first), 0)) + text
	text = slackEscape.Replace(firstBytes(text, maxSlack/len("&amp;")))
	if end != nil {
		rest := maxSlack - len(text) - len("\n\n\n"+fence+fence)
		if output := slackOutput(end, rest); output != "" {
			text += "\n" + fence + "\n" + output + "\n" + fence
		}
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // the entities are for Slack
	enc.Encode(map[string]string{"text": text})
	return []request{{id: m.ID, contentType: "application/json", body: body.Bytes()}}
}

// slackOutput returns the end of the output in at most size bytes. Three backticks in the output must not end the block.
func slackOutput(t *tail, size int) string {
	text := strings.ReplaceAll(string(printable(t.text, 0)), fence, "'''")
	for n := size; n > 0; n /= 2 { // escaped text is up to five times as long
		output, _ := lastLines(text, n)
		if output = slackEscape.Replace(output); len(output) <= size {
			return strings.TrimSuffix(output, "\n")
		}
	}
	return ""
}
