package crontab

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
)

// golden is what a real cron does: see testdata/golden.py.
type golden struct {
	zone string
	base time.Time
	line int
	runs string // as in the file
}

func readGolden(t *testing.T, file string) (all []golden) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, runs, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		k := strings.Fields(strings.TrimSuffix(key, ":"))
		base, err := time.Parse(time.RFC3339, k[1])
		number, err2 := strconv.Atoi(k[2])
		if err != nil || err2 != nil {
			t.Fatalf("%s: %q: %v, %v", file, line, err, err2)
		}
		all = append(all, golden{k[0], base, number, runs})
	}
	return all
}

var _ = schedule.Keys{}
var _ = testing.T{}
