package spawn

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jobsd/internal/durable"
)

// KeptBootID replaces BootID where the kernel does not show its boot id, for example in a unit with ProcSubset=pid.
// It returns an id from a file that disappears when the machine reboots. The first daemon of a boot makes the file.
// Clocks are no replacement: after the clock is set, an old boot looks like a new one, and on a machine without a
// battery two boots look the same.
func KeptBootID(dir string) (string, error) {
	path := filepath.Join(dir, "boot_id")
	id, err := keptBootID(dir, path)
	if err != nil {
		return "", fmt.Errorf("cannot keep a boot id: %w", err)
	}
	return id, nil
}

func keptBootID(dir, path string) (string, error) {
	in, err := durable.InMemory(dir)
	if err != nil {
		return "", err
	}
	if !in {
		return "", fmt.Errorf("%s is not on a tmpfs", dir)
	}
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var b [16]byte
	rand.Read(b[:]) // never fails
	id := "kept-" + hex.EncodeToString(b[:])
	return id, durable.WriteFile(path, []byte(id+"\n"), 0o644)
}
