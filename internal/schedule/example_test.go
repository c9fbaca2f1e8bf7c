package schedule_test

import (
	"fmt"
	"time"
	_ "time/tzdata"

	"jobsd/internal/schedule"
)

func must(k schedule.Keys) *schedule.Schedule {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s, errs := schedule.Parse(k, time.UTC, now)
	if errs != nil {
		panic(errs[0])
	}
	return s
}

func text(s string) *string { return &s }

func ExampleParse() {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	keys := schedule.Keys{StartAt: []string{"4:35am", "13pm"}, Days: []string{"mon-fri", "32"}}
	_, errs := schedule.Parse(keys, time.UTC, now)
	for _, err := range errs {
		fmt.Printf("%s[%d]: %v\n", err.Key, err.Index, err)
	}
	// Output:
	// start_at[1]: "13pm" is not a time of day; use "1pm"
	// days[1]: "32" is not a day; days of the month go from 1 to 31, and -1 is the last
}

func ExampleSchedule_Next() {
	s := must(schedule.Keys{StartAt: []string{"4:35am"}, Days: []string{"weekdays"}, Timezone: text("Europe/Berlin")})
	at := time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)
	for range 3 {
		at = s.Next(at)
		fmt.Println(at)
	}
	// Output:
	// 2026-03-27 04:35:00 +0100 CET
	// 2026-03-30 04:35:00 +0200 CEST
	// 2026-03-31 04:35:00 +0200 CEST
}

// A fixed time in a gap is due at the end of the gap, and in an overlap at its first showing.
func ExampleSchedule_Explain() {
	s := must(schedule.Keys{StartAt: []string{"2:30am", "1:30am"}, Timezone: text("America/New_York")})
	for _, day := range []time.Time{
		time.Date(2026, 3, 8, 6, 59, 59, 0, time.UTC),
		time.Date(2026, 11, 1, 4, 59, 59, 0, time.UTC),
	} {
		slot := s.Next(day)
		fmt.Println(slot.Format(time.RFC3339))
		fmt.Println(s.Explain(slot))
	}
	// Output:
	// 2026-03-08T03:00:00-04:00
	// fixed: 02:30 does not exist on 2026-03-08 in America/New_York; due at 03:00 EDT
	// 2026-11-01T01:30:00-04:00
	// fixed: 01:30 is shown twice on 2026-11-01 in America/New_York; due at its first showing, 01:30 EDT
}

// The clock is set back by an hour after the slot of 10:00 ran. The fixed slot does not run again, but the wild ones
// do.
func ExampleSchedule_NextAfter() {
	s := must(schedule.Keys{Cron: []string{"0 10 * * *", "50 */1 * * *"}})
	ran := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	clock := time.Date(2026, 11, 23, 9, 1, 0, 0, time.UTC)
	fmt.Println(s.NextAfter(ran, clock).Format("15:04"))
	fmt.Println(s.NextAfter(ran, clock.Add(50*time.Minute)).Format("15:04"))
	// Output:
	// 09:50
	// 10:50
}

func ExampleSchedule_CountAfter() {
	s := must(schedule.Keys{StartAt: []string{"9am"}})
	off := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	on := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	n, first, last := s.CountAfter(off, on, 1000)
	fmt.Println("missed", n, "from", first.Format(time.DateOnly), "to", last.Format(time.DateOnly))
	// Output: missed 3 from 2026-11-21 to 2026-11-23
}

func ExampleSchedule_String() {
	fmt.Println(must(schedule.Keys{StartAt: []string{"5:10am", "4:35am"}, Days: []string{"fri-mon"}}))
	fmt.Println(must(schedule.Keys{Cron: []string{"@hourly"}, Timezone: text("Asia/Tokyo")}))
	fmt.Println(must(schedule.Keys{Every: text("36h")}))
	// Output:
	// cron "35 4 * * sun,mon,fri,sat" "10 5 * * sun,mon,fri,sat"
	// cron "0 * * * *" in Asia/Tokyo
	// every 1d12h
}

func ExampleParseDuration() {
	fmt.Println(schedule.ParseDuration("1d12h"))
	fmt.Println(schedule.ParseDuration("5 minutes"))
	// Output:
	// 36h0m0s <nil>
	// 0s "5 minutes" has an unknown unit " minutes"; use "5m"
}

func ExampleEveryAfter() {
	anchor := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	fmt.Println(schedule.EveryAfter(anchor, 90*time.Minute, anchor.Add(2*time.Hour)).Format("15:04"))
	// Output: 13:00
}

func ExampleJitter() {
	delay := schedule.Jitter(time.Hour, "4c4c4544003510", "laptop", "backup")
	fmt.Println(delay == schedule.Jitter(time.Hour, "4c4c4544003510", "laptop", "backup"), delay < time.Hour)
	// Output: true true
}
