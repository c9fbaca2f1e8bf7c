package spawn

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// script is a list of system calls and what they point to. The function entry performs it, see entry_linux_amd64.s.
type script struct {
	steps    []step
	data     []byte
	pointers []pointer
	texts    map[string]operand
	onError  *int    // the step after one that fails
	error    operand // where steps store an error
	bad      bool    // a text has a NUL
}

// step is a system call. In the script it has nine words: the call, four arguments, where to store an error (0:
// nowhere), a set of expected errors, the address of the next step after an expected error, and the address of the next
// step after another error.
type step struct {
	call        uint64
	args        [4]operand
	storesError bool
	expected    uint64
	onError     *int
}

const stepSize = 9 * 8

// operand is a number, or an offset in the data of the script.
type operand struct {
	n      uint64
	offset bool
}

// pointer is a word of the data that is an address.
type pointer struct {
	at int
	to operand
}

func number(n int) operand { return operand{n: uint64(n)} }

func (s *script) call(call uint64, args ...operand) {
	p := step{call: call, onError: s.onError}
	copy(p.args[:], args)
	s.steps = append(s.steps, p)
}

// expect makes the script go on with the next step if the last one fails with one of these errors.
func (s *script) expect(errors ...unix.Errno) {
	for _, e := range errors {
		s.steps[len(s.steps)-1].expected |= 1 << e
	}
}

func (s *script) text(text string) operand {
	if o, known := s.texts[text]; known {
		return o
	}
	s.bad = s.bad || strings.Contains(text, "\x00")
	return s.bytes(text)
}

func (s *script) bytes(text string) operand {
	o := operand{uint64(len(s.data)), true}
	s.texts[text] = o
	s.data = append(append(s.data, text...), 0)
	return o
}

// list adds an array of texts that ends with a null pointer.
func (s *script) list(all []string) operand {
	words := make([]operand, len(all)+1)
	for i, text := range all {
		words[i] = s.text(text)
	}
	return s.words(words)
}

func (s *script) numbers(all []uint32) operand {
	s.align()
	o := operand{uint64(len(s.data)), true}
	for _, n := range all {
		s.data = binary.LittleEndian.AppendUint32(s.data, n)
	}
	return o
}

func (s *script) words(all []operand) operand {
	s.align()
	o := operand{uint64(len(s.data)), true}
	for _, w := range all {
		if w.offset {
			s.pointers = append(s.pointers, pointer{len(s.data), w})
		}
		s.data = binary.LittleEndian.AppendUint64(s.data, w.n)
	}
	return o
}

func (s *script) align() {
	for len(s.data)%8 != 0 {
		s.data = append(s.data, 0)
	}
}

// link returns the script as it is at that address, nil if it cannot be passed on.
func (s *script) link(at uint64) []byte {
	size := len(s.steps) * stepSize
	if s.bad || size+len(s.data) > maxScript {
		return nil
	}
	address := func(o operand) uint64 {
		if o.offset {
			return at + uint64(size) + o.n
		}
		return o.n
	}
	b := make([]byte, 0, size+len(s.data))
	word := func(n uint64) { b = binary.LittleEndian.AppendUint64(b, n) }
	for i, p := range s.steps {
		word(p.call)
		for _, a := range p.args {
			word(address(a))
		}
		if p.storesError {
			word(address(s.error))
		} else {
			word(0)
		}
		word(p.expected)
		word(at + uint64(i+1)*stepSize)
		if p.onError != nil {
			word(at + uint64(*p.onError)*stepSize)
		} else {
			word(0)
		}
	}
	b = append(b, s.data...)
	for _, p := range s.pointers {
		binary.LittleEndian.PutUint64(b[size+p.at:], address(p.to))
	}
	return b
}
