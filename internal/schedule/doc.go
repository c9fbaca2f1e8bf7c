// Package schedule computes when jobs are due. It is pure: it reads no clock, starts nothing and stores nothing. The
// same keys, zone data and instant give the same result. It may only load a time zone by name, and [Zones] lets the
// caller decide from where.
//
// [Parse] makes a [Schedule] from the keys of a job. A Schedule is immutable. Its slots are the instants at which the
// job is due. [Schedule.Next] returns the first slot strictly later than a given instant, or the zero time if there is
// none.
//
// # Keys
//
//	start_at   times of day: "4am" "4:35 pm" "16:05" "noon" "midnight"; several are a union
//	days       with start_at: "mon" "mon-fri" "fri-mon" "saturday" "weekdays" "weekends" "1".."31" "-1" (the last day of
//	           the month); several are a union
//	cron       five fields or @hourly @daily @midnight @weekly @monthly @yearly @annually; several are a union
//	every      a duration from 1s to 3650d: elapsed time, independent of dates and zones
//	from       with every in whole minutes: fixed times at that interval on the clock, from that date on:
//	           "2026-01-06" or "2026-01-06 09:00" in the schedule's zone
//	at         once: RFC 3339 with an offset, or "2026-12-24 18:00" in the schedule's zone
//	timezone   an IANA name, or "local"
//
// 12am is midnight and 12pm is noon. There is no 24:00, 0am, 13pm, and no bare "4", which is ambiguous. An [Error] says
// what is wrong with a value and what to write instead. Parse returns all errors at once.
//
// # Cron
//
// The fields are minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or jan-dec) and weekday (0-7 or
// sun-sat; 0 and 7 are both Sunday). A field is a comma-separated list of items:
//
//	v        one value
//	v-w      a range; it does not wrap around
//	v-w/n    every n-th value of a range, from v on
//	*        every value
//	*/n      every n-th value, from the smallest value of the field on
//	L        day of the month: the last one
//	fri#2    weekday: the second Friday of the month; 1 to 5
//	fri#L    weekday: the last Friday of the month
//
// A step is at least 1 and at most the field's largest value.
//
// A date matches if the month matches and the two day fields match, as in the cron of Paul Vixie and in POSIX: if
// neither day field begins with "*", one match is enough, else both must match. Only the beginning of the field counts
// (DOM_STAR and DOW_STAR in Vixie's entry.c). So "0 0 */10 * sun" is due on Sundays that are the 1st, 11th, 21st or
// 31st, and "0 0 1,15 * sun" on the 1st, on the 15th and on every Sunday.
//
// Dialects are refused, because a guess may be wrong: a sixth field, "W", "H", "?", "n/step", "@reboot", "@every",
// "TZ=". So no expression changes its meaning when it is moved to jobsd. An expression that is never due is an error, such
// as "0 0 30 2 *".
//
// # Clock changes
//
// A clock change forward leaves a gap of readings that the clock never shows. A clock change back makes an overlap of
// readings that it shows twice. Gaps and overlaps may have any length: 30 minutes on Lord Howe Island, two hours at
// Troll, a whole day in Samoa. The rules are those that cronie intends, in a form that can be tested:
//
//   - A fixed time (start_at, at, every with from, and cron if neither the minute nor the hour field begins with "*") is
//     due exactly once: at the first instant at which the clock shows this or a later reading. So it is due at the
//     first showing in an overlap, and at the end of a gap. Several times at the same instant are one slot.
//   - A wildcard time, "wild" in the code (cron if the minute or hour field begins with "*"), is due whenever the clock
//     shows it. Nothing makes up for a gap, and both showings in an overlap count. So a job that runs every half hour
//     never waits longer than that.
//
// [Schedule.Explain] says which rule applied to a slot.
//
// # How it works
//
// A reading is what a wall clock shows, counted in seconds since it showed 1970-01-01 00:00. Counted so, every day has
// 86,400 seconds, so finding the next match is calendar arithmetic on bit sets and needs no zone. The zone is a
// sequence of spans of constant offset (time.Time.ZoneBounds), which convert a reading into an instant. Readings are
// never converted with time.Date, which moves a reading in a gap forward or back depending on the zone. Days are never
// added as 24 hours.
package schedule
