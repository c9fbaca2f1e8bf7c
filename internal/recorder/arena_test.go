package recorder

import (
	"os"
	"testing"
)

// TestSalvage: the next recorder takes from the input what a read brought, also if a process took a part of the bytes
// away in the middle of it.
func TestSalvage(t *testing.T) {
	for _, test := range []struct{ n, read, want int }{
		{1000, 0, 0},
		{1000, 1000, 1000},
		{1000, 980, 980},
		{1000, 990, 990},
		{1000, 500, 0}, // nothing shows how much it was
		{20, 20, 20},
		{20, 5, 5},
		{1, 0, 0},
	} {
		fd, err := NewMemory()
		if err != nil {
			t.Fatal(err)
		}
		memory := os.NewFile(uintptr(fd), "memory")
		a, err := openArena(fd)
		if err != nil {
			t.Fatal(err)
		}
		a.area = 3
		a.expect(a.take(7), test.n)
		copy(a.input(test.n), make([]byte, test.read))
		next, err := openArena(fd)
		if err != nil {
			t.Fatal(err)
		}
		run, n := next.salvage()
		if n != test.want || n > 0 && run != 7 {
			t.Errorf("%d of %d bytes: got %d of run %d, want %d", test.read, test.n, n, run, test.want)
		}
		memory.Close()
	}
}
