// Package schedule computes when jobs are due. It is pure: it reads no clock, starts nothing and keeps nothing; the
// same keys, zone data and instant give the same answer. The one thing it may fetch is a time zone by its name, and
// [Zones] lets the caller decide from where.
//
// A [Schedule] is made by [Parse] from the keys of a job and is immutable. Its slots, the instants at which the job is
// due, are enumerated by [Schedule.Next]: the first slot strictly later than a given instant, or the zero time when
// there is none.
//
// # Keys
//
//	start_at   times of day: "4am" "4:35 pm" "16:05" "noon" "midnight"; several are a union
//	days       with start_at: "mon" "mon-fri" "fri-mon" "saturday" "weekdays" "weekends" "1".."31" "-1" (the last day of
//	           the month); several are a union
//	cron       five fields or @hourly @daily @midnight @weekly @monthly @yearly @annually; several are a union
//	every      a duration from 1s to 3650d: real elapsed time, for which neither dates nor zones exist
//	from       with every, which is whole minutes then: fixed times that are so far apart on the clock, from that date on:
//	           "2026-01-06" or "2026-01-06 09:00" in the schedule's zone
//	at         once: RFC 3339 with an offset, or "2026-12-24 18:00" in the schedule's zone
//	timezone   an IANA name, or "local"
//
// 12am is midnight and 12pm is noon. There is no 24:00, 0am, 13pm, and no bare "4", which could be either. Wrong values
// are refused with what is wrong and what to write instead: see [Error]. All of them are told at once.
//
// # Cron
//
// The fields are minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or jan-dec) and weekday (0-7 or
// sun-sat; 0 and 7 are both Sunday). A field is a comma-separated list of items:
//
//	v        one value
//	v-w      a range; it does not wrap around
//	v-w/n    every n-th value of a range, beginning with v
//	*        every value
//	*/n      every n-th value, beginning with the field's first
//	L        day of the month: the last one
//	fri#2    weekday: the second Friday of the month; 1 to 5
//	fri#L    weekday: the last Friday of the month
//
// A step is at least 1 and at most the field's largest value.
//
// A date matches when the month matches and, as in the cron of Paul Vixie and of POSIX, the two day fields do: if
// neither of them begins with "*", one match is enough, else both must match. What counts is how the field begins (the
// DOM_STAR and DOW_STAR of Vixie's entry.c), so "0 0 */10 * sun" is due on Sundays that are the 1st, 11th, 21st or
// 31st, and "0 0 1,15 * sun" on the 1st, on the 15th and on every Sunday.
//
// Dialects are refused rather than guessed at: a sixth field, "W", "H", "?", "n/step", "@reboot", "@every", "TZ=". So
// no expression changes its meaning by being moved here. An expression that is never due, such as "0 0 30 2 *", is an
// error.
//
// # Clock changes
//
// A zone's clock can be put forward, which leaves a gap of readings that it never shows, and put back, which makes an
// overlap of readings that it shows twice. Gaps and overlaps may be of any length: 30 minutes on Lord Howe Island, two
// hours at Troll, a whole day in Samoa. The rules are those that cronie intends, said so that they can be tested:
//
//   - A fixed time (start_at, at, every with from, and cron whose minute and hour fields both begin with something else than "*") is
//     due exactly once: at the first instant at which the clock shows it or a later reading. So in an overlap it is
//     due at its first showing, and in a gap at the gap's end. Several times that fall on one instant are one slot.
//   - A wild time (cron whose minute or hour field begins with "*") is due whenever the clock shows it: nothing is
//     made up for a gap, and both showings of an overlap count. So a job that runs every half hour never waits longer
//     than that.
//
// [Schedule.Explain] says in words what a rule did to a slot.
//
// # How it works
//
// Readings of the clock on the wall are counted in seconds since it showed 1970-01-01 00:00. On that line every day has
// 86,400 seconds, so finding the next match is calendar arithmetic over bit sets and needs no zone. The zone comes in as
// spans of constant offset (time.Time.ZoneBounds), which turn a reading into an instant. Wall times are never resolved
// with time.Date, which puts a reading inside a gap before or after it depending on the zone, and a day is never stepped
// over by adding 24 hours.
package schedule
