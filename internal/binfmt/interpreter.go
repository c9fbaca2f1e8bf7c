// Package binfmt finds the files that the kernel opens besides a program to execute it.
package binfmt

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"
)

const (
	headSize = 256  // number of bytes of a script that the kernel reads
	mostName = 4096 // longest name of a loader
)

// Interpreter returns the path of the interpreter of a script (the first word after #!) or of the loader of a dynamic
// ELF program, "" for other files. The error is that of the reader, or means that the ELF program is invalid. The
// kernel checks less, so it may still execute such a program.
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

// loader returns the dynamic loader of an ELF program.
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
