package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

func events(t *testing.T) ([]event, time.Time) {
	loc := zone(t)
	on := func(s string) time.Time { return at(t, loc, s) }
	retry := exited(7, on("2026-11-22 04:35:10"), time.Minute)
	retry.Attempt = 2
	lost := exited(0, on("2026-11-23 04:35:00"), 0)
	lost.Run, lost.Outcome, lost.ExitCode, lost.LostStage = 1043, statefile.OutcomeLost, nil, ref(statefile.LostStarted)
	lost.StartedAt = statefile.Time{}
	return []event{
		{run: retry},
		{notRun: &statefile.NotRun{Job: "backup", Missed: true, Reason: "off", Number: 3,
			First: statefile.At(on("2026-11-22 05:00:00")), Last: statefile.At(on("2026-11-22 07:00:00"))}},
		{run: lost},
	}, on("2026-11-23 16:00:00")
}

func TestHistory(t *testing.T) {
	e, now := events(t)
	var b strings.Builder
	writeHistory(&b, false, e, now)
	const want = `
 run  start                  reason               status  time
  42  yesterday at 04:35:10  schedule, attempt 2       7  1m00s
   -  yesterday at 07:00:00  off                  missed  -      3 slots since yesterday at 05:00:00
1043  today at 04:35:00      schedule               lost  -      lost, last known: started
`
	same(t, b.String(), want[1:])
}

func TestHistoryJSON(t *testing.T) {
	e, _ := events(t)
	text, err := json.Marshal(eventObjects(e))
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0]["exit_code"] != 7.0 || got[1]["outcome"] != "missed" || got[1]["number"] != 3.0 ||
		got[2]["outcome"] != "lost" {
		t.Errorf("got %s", text)
	}
	if text, _ := json.Marshal(eventObjects(nil)); string(text) != "[]" {
		t.Errorf("no events: got %s", text)
	}
}
