package recorder

import (
	"strings"
	"testing"
)

// connections returns both ends of a connection.
func connections(t *testing.T) (a, b *Conn) {
	a, fd, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = NewConn(fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	return a, b
}

// TestLongMessage: a message is never longer than what the other end accepts.
func TestLongMessage(t *testing.T) {
	a, b := connections(t)
	a.Send(Message{Kind: End, Run: 1, Text: strings.Repeat("\x00", 3*maxMessage)})
	a.Send(Message{Kind: Done, Run: 2})
	var got []Received
	for len(got) < 2 {
		if err := a.Flush(); err != nil {
			t.Fatal(err)
		}
		list, err := b.Receive()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, list...)
	}
	if n := len(got[0].Text); n == 0 || n > 2*maxText || got[1].Run != 2 {
		t.Errorf("received %d bytes of text, then a message about run %d", n, got[1].Run)
	}
}
