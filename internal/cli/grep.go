package cli

import (
	"bytes"
	"io"
)

// grepper passes the lines that contain a text; all, if the text is empty.
type grepper struct {
	w    io.Writer
	text []byte
	held []byte // an unfinished line
}

func (g *grepper) Write(text []byte) (int, error) {
	if len(g.text) == 0 {
		return g.w.Write(text)
	}
	g.held = append(g.held, text...)
	end := bytes.LastIndexByte(g.held, '\n') + 1
	if err := g.pass(g.held[:end]); err != nil {
		return 0, err
	}
	g.held = append([]byte(nil), g.held[end:]...)
	return len(text), nil
}

func (g *grepper) pass(text []byte) error {
	var out []byte
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, g.text) {
			out = append(out, line...)
		}
	}
	_, err := g.w.Write(out)
	return err
}

// end passes an unfinished line.
func (g *grepper) end() error {
	held := g.held
	g.held = nil
	return g.pass(held)
}
