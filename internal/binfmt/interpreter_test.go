package binfmt

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// dynamic returns an ELF program with a loader, in one of the four layouts.
func dynamic(t testing.TB, class elf.Class, order binary.ByteOrder, name string) string {
	t.Helper()
	var b bytes.Buffer
	put := func(v any) {
		if err := binary.Write(&b, order, v); err != nil {
			t.Fatal(err)
		}
	}
	ident := [16]byte{0x7f, 'E', 'L', 'F', byte(class), 1, 1}
	if order == binary.BigEndian {
		ident[5] = 2
	}
	size := uint64(len(name) + 1)
	if class == elf.ELFCLASS32 {
		put(elf.Header32{Ident: ident, Version: 1, Phoff: 52, Phentsize: 32, Phnum: 2})
		put(elf.Prog32{Type: uint32(elf.PT_PHDR)})
		put(elf.Prog32{Type: uint32(elf.PT_INTERP), Off: 52 + 64, Filesz: uint32(size)})
	} else {
		put(elf.Header64{Ident: ident, Version: 1, Phoff: 64, Phentsize: 56, Phnum: 2})
		put(elf.Prog64{Type: uint32(elf.PT_PHDR)})
		put(elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 64 + 112, Filesz: size})
	}
	b.WriteString(name + "\x00")
	return b.String()
}

func TestInterpreter(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	whole := dynamic(t, elf.ELFCLASS64, little, "/lib/ld.so")
	for text, want := range map[string]string{
		"":                      "",
		"#!/bin/sh\n":           "/bin/sh",
		"#! \t/bin/sh -x\necho": "/bin/sh",
		"#!/bin/sh\t-x":         "/bin/sh",
		"#!/bin/sh\r\n":         "/bin/sh\r",
		"#!python\n":            "python",
		"#!\n/bin/sh":           "",
		"echo #!/bin/sh\n":      "",
		whole:                   "/lib/ld.so",
		dynamic(t, elf.ELFCLASS64, big, "/lib/ld64.so"):               "/lib/ld64.so",
		dynamic(t, elf.ELFCLASS32, little, "/lib/ld32.so"):            "/lib/ld32.so",
		dynamic(t, elf.ELFCLASS32, big, "/lib/ld32b.so"):              "/lib/ld32b.so",
		dynamic(t, elf.ELFCLASS64, little, strings.Repeat("x", 5000)): "",
	} {
		if got, err := Interpreter(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%.80q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestBrokenELF checks that a truncated or broken ELF program is an error.
func TestBrokenELF(t *testing.T) {
	whole := dynamic(t, elf.ELFCLASS64, binary.LittleEndian, "/lib/ld.so")
	for _, text := range []string{"\x7fELF", "\x7fELF\x03\x01", whole[:len(whole)-3], whole[:100], whole[:50]} {
		if got, err := Interpreter(strings.NewReader(text)); err == nil {
			t.Errorf("%.80q: %q and no error", text, got)
		}
	}
}

// broken is a reader that always fails.
type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestUnreadable(t *testing.T) {
	if _, err := Interpreter(broken{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
