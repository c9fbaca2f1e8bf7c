package jobfile

import (
	"encoding/json"
	"strings"
)

// parseJSON reads a JSON document as strictly as TOML is read: no key twice, nothing after the end.
func parseJSON(src *source) (*node, *Error) {
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(src.text), &whole); err != nil {
		return nil, jsonError(src, err)
	}
	p := jsonParser{src: src, dec: json.NewDecoder(strings.NewReader(src.text))}
	p.dec.UseNumber()
	root := &node{src: src}
	p.value(root, 0)
	if p.err != nil {
		return nil, p.err
	}
	return root, nil
}

type jsonParser struct {
	src    *source
	dec    *json.Decoder
	values int
	err    *Error
}

// token returns the next token and its offset.
func (p *jsonParser) token() (json.Token, int) {
	at := int(p.dec.InputOffset())
	for at < len(p.src.text) && strings.IndexByte(" \t\r\n,:", p.src.text[at]) >= 0 {
		at++
	}
	t, err := p.dec.Token()
	if err != nil {
		p.stop(at, "not valid JSON")
	}
	if p.values++; p.values > maxValues {
		p.stop(at, tooMany)
	}
	return t, at
}

func (p *jsonParser) stop(at int, why string) {
	if p.err == nil {
		p.err = p.src.fail(at, "", "%s", known(why))
	}
}

func (p *jsonParser) value(n *node, depth int) {
	t, at := p.token()
	n.at = at
	switch t := t.(type) {
	case json.Delim:
		if depth >= maxDepth {
			p.stop(at, tooDeep)
		}
		if t == '{' {
			n.kind = table
			p.object(n, depth+1)
		} else {
			n.kind = list
			for p.err == nil && p.dec.More() {
				p.value(n.add(&node{src: p.src}), depth+1)
			}
		}
		if p.err == nil {
			p.token() // the closing bracket
		}
	case string:
		n.setText(t)
	case json.Number:
		n.kind = decimal
		if i, err := t.Int64(); err == nil {
			n.kind, n.num = integer, i
		}
	case bool:
		n.kind = boolean
		if t {
			n.num = 1
		}
	case nil:
		n.kind = null
	}
}

func (p *jsonParser) object(n *node, depth int) {
	for p.err == nil && p.dec.More() {
		t, at := p.token()
		key, _ := t.(string)
		if p.err == nil && n.get(key) != nil {
			p.err = p.src.fail(at, "", "the key %q is defined twice", key)
		}
		if len(n.kids) == maxKeys {
			p.stop(at, tooWide)
		}
		if p.err == nil {
			p.value(n.add(&node{src: p.src, key: key, keyAt: at}), depth)
		}
	}
}
