package recorder

import (
	"encoding/json"
	"strconv"

	"jobsd/internal/joblog"
)

// A message is JSON, so that a daemon and a recorder of any two versions understand each other. Some messages come with
// each run. This file writes and reads them with much less work than encoding/json, and leaves to it what is not plain:
// rare fields, unknown ones, and text with characters that must be escaped.

// appendMessage appends a message as JSON.
func appendMessage(b []byte, m *Message) []byte {
	if !plainText(m.ID, m.Program, m.Job, m.Text, m.Label, m.Start, m.Output, string(m.Kind)) || m.Settings != nil || m.Line != nil ||
		m.Log != nil && !plainText(m.Log.Path, m.Log.Stdout) {
		text, err := json.Marshal(m)
		if err != nil {
			panic(err) // a Message has no field that JSON cannot express
		}
		return append(b, text...)
	}
	b = append(append(append(b, `{"kind":"`...), m.Kind...), '"')
	b = appendInt(b, "version", int64(m.Version))
	b = appendText(b, "id", m.ID)
	b = appendText(b, "program", m.Program)
	b = appendUint(b, "run", m.Run)
	b = appendText(b, "job", m.Job)
	b = appendText(b, "text", m.Text)
	b = appendText(b, "label", m.Label)
	if l := m.Log; l != nil {
		b = append(append(append(b, `,"log":{"path":"`...), l.Path...), `","max_size":`...)
		b = strconv.AppendInt(b, l.MaxSize, 10)
		b = strconv.AppendInt(append(b, `,"keep":`...), int64(l.Keep), 10)
		b = appendTrue(b, "timestamps", l.Timestamps)
		b = append(appendText(b, "stdout", l.Stdout), '}')
	}
	b = appendPosition(b, "from", m.From)
	b = appendPosition(b, "to", m.To)
	b = appendInt(b, "bytes", m.Bytes)
	b = appendTrue(b, "over", m.Over)
	b = appendPosition(b, "mixed_from", m.Mixed)
	b = appendTrue(b, "alone", m.Alone)
	b = appendTrue(b, "closed", m.Closed)
	b = appendUint(b, "number", m.Number)
	b = appendText(b, "start", m.Start)
	b = appendTrue(b, "ending", m.Ending)
	b = appendInt(b, "logged", m.Logged)
	b = appendPosition(b, "line_end", m.LineEnd)
	b = appendText(b, "output", m.Output)
	return append(appendInt(b, "fds", int64(m.Descriptors)), '}')
}

// plainText reports whether texts are the same in JSON.
func plainText(texts ...string) bool {
	for _, text := range texts {
		for i := range len(text) {
			if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
				return false
			}
		}
	}
	return true
}

func appendKey(b []byte, key string) []byte {
	return append(append(append(b, `,"`...), key...), `":`...)
}

func appendText(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	return append(append(append(appendKey(b, key), '"'), text...), '"')
}

func appendInt(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

func appendUint(b []byte, key string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendUint(appendKey(b, key), n, 10)
}

func appendTrue(b []byte, key string, is bool) []byte {
	if !is {
		return b
	}
	return append(appendKey(b, key), "true"...)
}

func appendPosition(b []byte, key string, p *joblog.Position) []byte {
	if p == nil {
		return b
	}
	b = strconv.AppendUint(append(appendKey(b, key), `{"inode":`...), p.Inode, 10)
	return append(strconv.AppendInt(append(b, `,"at":`...), p.At, 10), '}')
}

// parseMessage reads a message.
func parseMessage(b []byte) (m Message, err error) {
	if p := (parser{b: b}); p.message(&m) {
		return m, nil
	}
	m = Message{}
	err = json.Unmarshal(b, &m)
	return m, err
}

// parser reads what appendMessage writes without encoding/json. It gives up as soon as something is different.
type parser struct{ b []byte }

func (p *parser) skip(c byte) bool {
	if len(p.b) == 0 || p.b[0] != c {
		return false
	}
	p.b = p.b[1:]
	return true
}

func (p *parser) text() (string, bool) {
	if !p.skip('"') {
		return "", false
	}
	for i, c := range p.b {
		switch {
		case c == '"':
			text := string(p.b[:i])
			p.b = p.b[i+1:]
			return text, true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

// number reads a number without a sign that fits.
func (p *parser) number() (n uint64, ok bool) {
	i := 0
	for ; i < len(p.b) && i < 19 && '0' <= p.b[i] && p.b[i] <= '9'; i++ {
		n = 10*n + uint64(p.b[i]-'0')
	}
	ok = i > 0 && i < 19 && (p.b[0] != '0' || i == 1)
	p.b = p.b[i:]
	return n, ok
}

func (p *parser) yes() bool {
	const word = "true"
	if len(p.b) < len(word) || string(p.b[:len(word)]) != word {
		return false
	}
	p.b = p.b[len(word):]
	return true
}

// object reads an object whose fields are read by a function.
func (p *parser) object(field func(key string) bool) bool {
	if !p.skip('{') {
		return false
	}
	for {
		key, ok := p.text()
		if !ok || !p.skip(':') || !field(key) {
			return false
		}
		if p.skip('}') {
			return true
		}
		if !p.skip(',') {
			return false
		}
	}
}

func (p *parser) message(m *Message) bool {
	return p.object(func(key string) bool { return p.field(m, key) }) && len(p.b) == 0
}

func (p *parser) field(m *Message, key string) (ok bool) {
	switch key {
	case "kind":
		var kind string
		kind, ok = p.text()
		m.Kind = Kind(kind)
	case "run":
		m.Run, ok = p.number()
	case "job":
		m.Job, ok = p.text()
	case "text":
		m.Text, ok = p.text()
	case "label":
		m.Label, ok = p.text()
	case "log":
		if m.Log != nil { // encoding/json would mix the two
			return false
		}
		m.Log = &Log{}
		ok = p.object(func(key string) bool { return p.logField(m.Log, key) })
	case "from":
		ok = p.position(&m.From)
	case "to":
		ok = p.position(&m.To)
	case "bytes":
		m.Bytes, ok = p.int()
	case "alone":
		ok = p.yes()
		m.Alone = ok
	case "closed":
		ok = p.yes()
		m.Closed = ok
	case "fds":
		var n int64
		n, ok = p.int()
		m.Descriptors = int(n)
	}
	return ok
}

func (p *parser) logField(l *Log, key string) (ok bool) {
	switch key {
	case "path":
		l.Path, ok = p.text()
	case "max_size":
		l.MaxSize, ok = p.int()
	case "keep":
		var n int64
		n, ok = p.int()
		l.Keep = int(n)
	case "timestamps":
		ok = p.yes()
		l.Timestamps = ok
	case "stdout":
		l.Stdout, ok = p.text()
	}
	return ok
}

func (p *parser) int() (int64, bool) {
	n, ok := p.number()
	return int64(n), ok
}

func (p *parser) position(at **joblog.Position) bool {
	if *at != nil {
		return false
	}
	to := &joblog.Position{}
	*at = to
	return p.object(func(key string) (ok bool) {
		switch key {
		case "inode":
			to.Inode, ok = p.number()
		case "at":
			to.At, ok = p.int()
		}
		return ok
	})
}
