package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var supercronic = scheduler{
	name:  "supercronic",
	needs: []string{"supercronic"},
	grain: time.Second,
	ready: "read crontab",
	start: func(w *bench, n int, at time.Time, cmd ...string) (*process, error) {
		table := filepath.Join(w.scratch, "crontab")
		line := fmt.Sprintf("%s * %s\n", withSeconds(at), strings.Join(cmd, " ")) // its seventh field is the year
		if err := os.WriteFile(table, []byte(strings.Repeat(line, n)), 0o644); err != nil {
			return nil, err
		}
		return launch("supercronic", syscall.SIGTERM, "supercronic", table)
	},
}
