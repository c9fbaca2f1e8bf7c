// Package binfmt tells what the kernel opens besides a program when it executes it.
package binfmt

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"
)

const (
	headSize = 256  // bytes that the kernel looks at of a script
	mostName = 4096 // bytes of the name of a loader
)

// Interpreter returns the path of what runs a script (the first word after #!) or loads a dynamic ELF program; "" if the
// file is neither. The error is that of the reader, or says that an ELF program is not understood: the kernel, which
// looks at less of it, may yet execute it.
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
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return "", nil
	}
	return loader(f)
}

// loader returns the dynamic loader that an ELF program asks for.
func loader(f io.ReaderAt) (string, error) {
	program, err := elf.NewFile(f)
	if err != nil {
		return "", err
	}
	for _, segment := range program.Progs {
		if segment.Type != elf.PT_INTERP || segment.Filesz > mostName {
			continue
		}
		name := make([]byte, segment.Filesz)
		_, err := segment.ReadAt(name, 0)
		return strings.TrimRight(string(name), "\x00"), err
	}
	return "", nil
}
