// Package binfmt tells what the kernel opens besides a program when it executes it.
package binfmt

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

const (
	headSize  = 256     // bytes that the kernel looks at of a script
	mostParts = 1 << 16 // bytes of program headers that it takes
	mostName  = 4096    // bytes of the name of a loader
)

// Interpreter returns the path of what runs a script (the first word after #!) or loads a dynamic ELF program; "" if the
// file is neither. The error is that of the reader.
func Interpreter(f io.ReaderAt) (string, error) {
	head := make([]byte, headSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	head = head[:n]
	if script, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ := bytes.Cut(script, []byte("\n"))
		word, _, _ := strings.Cut(strings.Trim(string(line), " \t"), " ")
		word, _, _ = strings.Cut(word, "\t")
		return word, nil
	}
	return loader(f, head)
}

// layout says where elf(5) has the fields that lead to the loader's name, for programs of 32 or of 64 bits.
type layout struct {
	size                 int // of the file header
	parts, width, number int // in the file header: offset, size and number of the program headers
	at, length           int // in a program header: offset and size of what it describes
	word                 func(binary.ByteOrder, []byte) uint64
}

var layouts = map[byte]layout{
	1: {52, 28, 42, 44, 4, 16, func(o binary.ByteOrder, b []byte) uint64 { return uint64(o.Uint32(b)) }},
	2: {64, 32, 54, 56, 8, 32, func(o binary.ByteOrder, b []byte) uint64 { return o.Uint64(b) }},
}

var orders = map[byte]binary.ByteOrder{1: binary.LittleEndian, 2: binary.BigEndian}

// loader returns the dynamic loader that an ELF program asks for.
func loader(f io.ReaderAt, head []byte) (string, error) {
	if len(head) < 6 || string(head[:4]) != "\x7fELF" {
		return "", nil
	}
	l, order := layouts[head[4]], orders[head[5]]
	if l.size == 0 || order == nil || len(head) < l.size {
		return "", nil
	}
	width, number := int(order.Uint16(head[l.width:])), int(order.Uint16(head[l.number:]))
	if width < l.length+8 || width*number > mostParts {
		return "", nil
	}
	parts, err := read(f, l.word(order, head[l.parts:]), width*number)
	for ; len(parts) >= width && err == nil; parts = parts[width:] {
		const interp = 3 // PT_INTERP
		size := l.word(order, parts[l.length:])
		if order.Uint32(parts) != interp || size > mostName {
			continue
		}
		name, err := read(f, l.word(order, parts[l.at:]), int(size))
		return strings.TrimRight(string(name), "\x00"), err
	}
	return "", err
}

// read reads n bytes; none where the file has fewer.
func read(f io.ReaderAt, at uint64, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := f.ReadAt(b, int64(at&(1<<63-1)))
	if err == io.EOF {
		return nil, nil
	}
	return b, err
}
