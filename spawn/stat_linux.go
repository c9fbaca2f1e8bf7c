package spawn

import (
	"errors"
	"strconv"
	"strings"
)

var errStat = errors.New("cannot read the process status: unknown format")

// stat holds some fields of /proc/PID/stat, see proc_pid_stat(5). Reading that file can block for ever, see
// standingOf. So do not read it for processes that another user may have started.
type stat struct {
	State  byte   // field 3: R, S, Z, ...
	Start  uint64 // field 22, clock ticks since boot
	Status uint32 // field 52, wait status of a zombie; 0 if absent, or if the reader lacks permission
}

// parseStat parses the text of /proc/PID/stat. Field 2 is the program's name in parentheses. The name may contain
// blanks and parentheses, so parseStat counts the fields from the last parenthesis.
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, errStat
	}
	fields := strings.Fields(text[end+1:])
	field := func(n int) string { // numbered as in the manual
		if n-3 < len(fields) {
			return fields[n-3]
		}
		return ""
	}
	if len(field(3)) != 1 {
		return stat{}, errStat
	}
	start, err := strconv.ParseUint(field(22), 10, 64)
	if err != nil {
		return stat{}, errStat
	}
	status, _ := strconv.ParseUint(field(52), 10, 32)
	return stat{State: field(3)[0], Start: start, Status: uint32(status)}, nil
}
