package core

import (
	"testing"
	"time"
)

// TestUnread: a daemon that cannot read the jobs directory at its start forgets no job. When the directory is back,
// everything continues: missed slots are caught up, and delayed starts and retries come.
func TestUnread(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.script = func(s Start) (time.Duration, int) {
		if s.Job.Name == "fails" && s.Attempt == 1 {
			return time.Second, 1
		}
		return time.Second, 0
	}
	w.put(w.define("daily", dailyKeys("7am")))
	w.put(w.define("promised", dailyKeys("11pm")))
	d := w.define("fails", dailyKeys("6:30"))
	d.Retries, d.RetryDelay, d.RetryMaxDelay = 1, time.Hour, time.Hour
	w.put(d)
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "promised", In: 3 * time.Hour})
	w.until("2026-06-01 06:40:00")
	w.off(0)
	w.end()
	w.begin()
	w.unread()
	w.until("2026-06-01 07:20:00")
	if w.stats["deleted"] > 0 {
		t.Error("jobs were forgotten")
	}
	w.load()
	w.until("2026-06-01 10:00:00")
	w.want("fails schedule 01 06:30:00\ndaily catch_up 01 07:00:00\nfails schedule 01 06:30:00\npromised manual")
}
