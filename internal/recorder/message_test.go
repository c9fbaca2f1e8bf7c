package recorder

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"jobsd/internal/joblog"
)

// messages returns messages with one field set each, and some with many.
func messages() (list []Message) {
	add := func(set func(m *Message)) {
		m := Message{Kind: Begin}
		set(&m)
		list = append(list, m)
	}
	add(func(*Message) {})
	for _, text := range []string{"a", "run 7 started", `quoted " and \ and / and <&>`, "tab\t and line\n", "\x00\x7f", "ä and \u2028", "bad \xff"} {
		for _, field := range []func(m *Message) *string{
			func(m *Message) *string { return &m.ID }, func(m *Message) *string { return &m.Program }, func(m *Message) *string { return &m.Job },
			func(m *Message) *string { return &m.Text }, func(m *Message) *string { return &m.Label }, func(m *Message) *string { return &m.Start },
			func(m *Message) *string { return &m.Output }, func(m *Message) *string { m.Log = &Log{}; return &m.Log.Path },
			func(m *Message) *string { m.Log = &Log{}; return &m.Log.Stdout },
		} {
			add(func(m *Message) { *field(m) = text })
		}
	}
	for _, n := range []int64{1, -1, 9, 10, 1 << 53, 1<<63 - 1, -1 << 63} {
		add(func(m *Message) { m.Version, m.Bytes, m.Logged, m.Descriptors = int(n), n, n, int(n) })
		add(func(m *Message) { m.Run, m.Number = uint64(n), uint64(n) })
		add(func(m *Message) { m.Log = &Log{MaxSize: n, Keep: int(n), Timestamps: n > 1} })
		add(func(m *Message) { m.From = &joblog.Position{Inode: uint64(n), At: n}; m.To = m.From })
		add(func(m *Message) { m.Mixed = &joblog.Position{At: n}; m.LineEnd = &joblog.Position{Inode: uint64(n)} })
	}
	add(func(m *Message) { m.Over, m.Alone, m.Closed, m.Ending = true, true, true, true })
	add(func(m *Message) { m.Settings = &Settings{Group: -1}; m.Line = []byte("line") })
	return list
}

// What appendMessage writes is what encoding/json understands, and parseMessage understands what either writes.
func TestMessages(t *testing.T) {
	for _, m := range messages() {
		theirs, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var want Message
		if err := json.Unmarshal(theirs, &want); err != nil {
			t.Fatal(err)
		}
		ours := appendMessage(nil, &m)
		var got Message
		if err := json.Unmarshal(ours, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: encoding/json reads %+v, %v", ours, got, err)
		}
		for _, text := range [][]byte{ours, theirs} {
			if got, err := parseMessage(text); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: parseMessage reads %+v, %v", text, got, err)
			}
		}
	}
}

// parseMessage accepts and refuses the same texts as encoding/json.
func FuzzParseMessage(f *testing.F) {
	for _, m := range messages() {
		f.Add(appendMessage(nil, &m))
	}
	for _, text := range []string{`{}`, `{"run":01}`, `{"run":1,}`, `{"run":1}x`, ` { "run" : 1 } `, `{"run":1e3}`, `{"run":null}`, `{"RUN":1}`,
		`{"log":{}}`, `{"from":{"inode":1}}`, `{"over":false}`, `{"kind":"a","kind":"b"}`, `{"new":1}`, `{"run":99999999999999999999}`,
		`{"from":{"inode":1},"from":{"at":2}}`, `{"log":{"path":"a"},"log":{"keep":1}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want Message
		wrong := json.Unmarshal(text, &want)
		got, err := parseMessage(text)
		if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: parseMessage reads %s, %v; encoding/json %s, %v", text, fmt.Sprintf("%+v", got), err, fmt.Sprintf("%+v", want), wrong)
		}
	})
}
