package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// debianCron is cron(8). It reads fixed places, so it gets a mount namespace in which these are empty but for a file
// with our jobs. It runs everything through a shell, and never before the next minute.
var debianCron = scheduler{
	name:  "cron",
	needs: []string{"cron", "unshare", "mount"},
	grain: time.Minute,
	start: func(w *bench, n int, at time.Time, cmd ...string) (*process, error) {
		dir, err := w.empty("cron")
		if err != nil {
			return nil, err
		}
		for _, sub := range []string{"cron.d", "run", "spool"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
				return nil, err
			}
		}
		line := fmt.Sprintf("%d %d * * * root %s\n", at.Minute(), at.Hour(), strings.Join(cmd, " "))
		if err := os.WriteFile(filepath.Join(dir, "cron.d", "bench"), []byte(strings.Repeat(line, n)), 0o644); err != nil {
			return nil, err
		}
		const script = `
			mount --bind "$1/cron.d" /etc/cron.d && mount --bind "$1/run" /run && 
			{ [ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab; } &&
			mount --bind "$1/spool" /var/spool && mkdir -p /var/spool/cron/crontabs && exec cron -f`
		return launch("cron", syscall.SIGTERM, "unshare", "-m", "sh", "-c", script, "sh", dir)
	},
}
