package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// everyID is the number of IDs in a namespace that maps all of them: the last number is not an ID.
const everyID = 1<<32 - 1

// idsOf reads the ID map of this process, see user_namespaces(7); kind is uid or gid.
func idsOf(kind string) ids {
	text, err := os.ReadFile("/proc/self/" + kind + "_map")
	switch {
	case err == nil && mapsAll(string(text)):
		return ids{-1}
	case errors.Is(err, fs.ErrNotExist): // the kernel has no user namespaces, or /proc is missing
		if _, err := os.Stat("/proc/self/status"); err == nil {
			return ids{-1}
		}
	}
	overflow := 65534
	if text, err := os.ReadFile("/proc/sys/kernel/overflow" + kind); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			overflow = n
		}
	}
	return ids{overflow}
}

func mapsAll(table string) bool {
	var all uint64
	for line := range strings.Lines(table) {
		var inside, outside, length uint64
		if n, _ := fmt.Sscan(line, &inside, &outside, &length); n == 3 {
			all += length
		}
	}
	return all >= everyID
}
