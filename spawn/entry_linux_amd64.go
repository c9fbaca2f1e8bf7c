package spawn

import (
	"debug/elf"
	"os"
	"unsafe"
)

// area receives the script in a quick shim. It must have a fixed address, so that the daemon knows the addresses in the
// quick shim.
var area [maxScript]byte

// entryPC returns the address of the entry point, which has no Go declaration because no Go code may call it.
func entryPC() uintptr

// areaAddress returns where a quick shim of this program has its script. It returns 0 if the program cannot be a quick
// shim: if it was linked without the entry point or without fixed addresses, or if other users may not execute it.
func areaAddress() uint64 {
	f, err := os.Open(self)
	if err != nil {
		return 0
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil || program.Type != elf.ET_EXEC || program.Entry != uint64(entryPC()) {
		return 0
	}
	if st, err := f.Stat(); err != nil || st.Mode()&0o001 == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&area)))
}
