package schedule

import "testing"

// keysOf returns keys that hold one value, and what must stand beside it.
func keysOf(key, value string) Keys {
	switch key {
	case "start_at":
		return Keys{StartAt: []string{value}}
	case "days":
		return Keys{StartAt: []string{"4am"}, Days: []string{value}}
	case "cron":
		return Keys{Cron: []string{value}}
	case "every":
		return Keys{Every: &value}
	case "at":
		return Keys{At: &value}
	}
	return Keys{Timezone: &value}
}

// TestRefused is every refusal with its remedy. A row after another with the same value is a second mistake in it.
func TestRefused(t *testing.T) {
	ny := location(t, "America/New_York")
	var of string
	var errs []*Error
	for _, row := range []struct{ key, value, reason, fix string }{
		{"start_at", ``, `an empty time of day`, `name one such as "4:35am"`},
		{"start_at", `0am`, `"0am" is not a time of day`, `use "12am"`},
		{"start_at", `0:30pm`, `"0:30pm" is not a time of day`, `use "12:30pm"`},
		{"start_at", `13pm`, `"13pm" is not a time of day`, `use "1pm"`},
		{"start_at", `13am`, `"13am" is not a time of day`, `use "1am" or "13:00"`},
		{"start_at", `16:05pm`, `"16:05pm" is not a time of day`, `use "4:05pm"`},
		{"start_at", `25pm`, `"25pm" is not a time of day`, `hours go from 1 to 12 with am and pm`},
		{"start_at", `24:00`, `"24:00" is not a time of day`, `use "00:00"`},
		{"start_at", `24:30`, `"24:30" is not a time of day`, `use "00:30"`},
		{"start_at", `25:00`, `"25:00" is not a time of day`, `hours go from 0 to 23`},
		{"start_at", `4`, `"4" is not a time of day`, `use "4am" or "4pm"`},
		{"start_at", `16`, `"16" is not a time of day`, `use "16:00"`},
		{"start_at", `0`, `"0" is not a time of day`, `use "00:00"`},
		{"start_at", `99`, `"99" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `4:5`, `"4:5" is not a time of day`, `use "04:05"`},
		{"start_at", `4:35:00`, `"4:35:00" is not a time of day`, `leave out the seconds: use "04:35"`},
		{"start_at", `4:35:00pm`, `"4:35:00pm" is not a time of day`, `leave out the seconds: use "4:35pm"`},
		{"start_at", `4:60`, `"4:60" is not a time of day`, `minutes go from 00 to 59`},
		{"start_at", `4:60am`, `"4:60am" is not a time of day`, `minutes go from 00 to 59`},
		{"start_at", `4.35am`, `"4.35am" is not a time of day`, `use "4:35am"`},
		{"start_at", `4.35`, `"4.35" is not a time of day`, `use "04:35"`},
		{"start_at", `16h05`, `"16h05" is not a time of day`, `use "16:05"`},
		{"start_at", `0435`, `"0435" is not a time of day`, `use "04:35"`},
		{"start_at", `4:35 a.m.`, `"4:35 a.m." is not a time of day`, `use "4:35am"`},
		{"start_at", ` 4am`, `" 4am" is not a time of day`, `use "4am"`},
		{"start_at", `4  am`, `"4  am" is not a time of day`, `use "4am"`},
		{"start_at", `4am,5am`, `"4am,5am" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `35 4 * * *`, `"35 4 * * *" is not a time of day`, `use cron for an expression`},
		{"start_at", `noonish`, `"noonish" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `12 noon`, `"12 noon" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `-4:00`, `"-4:00" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `+4:00`, `"+4:00" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `4:-5`, `"4:-5" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `04:35:`, `"04:35:" is not a time of day`, `leave out the seconds: use "04:35"`},
		{"start_at", `4am5`, `"4am5" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `:30`, `":30" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `am`, `"am" is not a time of day`, `write it like "4:35am" or "16:05"`},
		{"start_at", `12:5am`, `"12:5am" is not a time of day`, `use "12:05am"`},
		{"start_at", `１２:00`, `"１２:00" is not a time of day`, `write it like "4:35am" or "16:05"`},

		{"days", ``, `an empty day`, `name one such as "mon"`},
		{"days", `0`, `"0" is not a day`, `days of the month are 1 to 31, and -1 for the last`},
		{"days", `32`, `"32" is not a day`, `days of the month are 1 to 31, and -1 for the last`},
		{"days", `-2`, `"-2" is not a day`, `from the end only -1 counts, the last day of the month`},
		{"days", `05`, `"05" is not a day`, `use 5`},
		{"days", `+5`, `"+5" is not a day`, `use 5`},
		{"days", `funday`, `"funday" is not a day`, `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`},
		{"days", `tues`, `"tues" is not a day`, `use "tue"`},
		{"days", `thurs`, `"thurs" is not a day`, `use "thu"`},
		{"days", `mon,tue`, `"mon,tue" is not a day`, `use an array: ["mon", "tue"]`},
		{"days", `1,15`, `"1,15" is not a day`, `use an array: ["1", "15"]`},
		{"days", `mon - fri`, `"mon - fri" is not a day`, `use "mon-fri"`},
		{"days", `weekday`, `"weekday" is not a day`, `use "weekdays"`},
		{"days", `weekend`, `"weekend" is not a day`, `use "weekends"`},
		{"days", `daily`, `"daily" is not a day`, `for every day remove the key`},
		{"days", `*`, `"*" is not a day`, `for every day remove the key`},
		{"days", `last`, `"last" is not a day`, `use -1 for the last day of the month`},
		{"days", `L`, `"L" is not a day`, `use -1 for the last day of the month`},
		{"days", `1-15`, `"1-15" is not a day`, `list the days of the month one by one`},
		{"days", `fri#2`, `"fri#2" is not a day`, `use cron, which has that`},
		{"days", `mon-`, `"mon-" is not a day`, `use "mon"`},
		{"days", `-mon`, `"-mon" is not a day`, `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`},
		{"days", `mon-fri-sun`, `"mon-fri-sun" is not a day`, `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`},
		{"days", `mon-xyz`, `"mon-xyz" is not a day`, `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`},
		{"days", `1.5`, `"1.5" is not a day`, `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`},
		{"days", `satur`, `"satur" is not a day`, `use "sat"`},
		{"days", `mon–fri`, `"mon–fri" is not a day`, `use "mon-fri"`},

		{"cron", ``, `an empty expression`, `write five fields: minute hour day month weekday`},
		{"cron", `   `, `an empty expression`, `write five fields: minute hour day month weekday`},
		{"cron", `60 0 * * *`, `minute "60" is not in range`, `use a number from 0 to 59`},
		{"cron", `0 60 * * *`, `hour "60" is not in range`, `use a number from 0 to 23`},
		{"cron", `0 24 * * *`, `hour "24" is not in range`, `use a number from 0 to 23`},
		{"cron", `*/60 * * * *`, `minute "*/60" has no such step`, `use a step from 1 to 59`},
		{"cron", `2-20/61 * * * *`, `minute "2-20/61" has no such step`, `use a step from 1 to 59`},
		{"cron", `*/0 * * * *`, `minute "*/0" has no such step`, `use a step from 1 to 59`},
		{"cron", `6-5 * * * *`, `minute "6-5" runs backwards`, `use "6-59,0-5"`},
		{"cron", `0 22-2 * * *`, `hour "22-2" runs backwards`, `use "22-23,0-2"`},
		{"cron", `0 0 * * fri-mon`, `weekday "fri-mon" runs backwards`, `use "fri-sat,sun-mon"`},
		{"cron", `0 0 * * sat-sun`, `weekday "sat-sun" runs backwards`, `use "sat,sun"`},
		{"cron", `0 0 * * 5-1`, `weekday "5-1" runs backwards`, `use "5-6,0-1"`},
		{"cron", `0 0 * nov-feb *`, `month "nov-feb" runs backwards`, `use "nov-dec,jan-feb"`},
		{"cron", `0 0 * 11-1 *`, `month "11-1" runs backwards`, `use "11-12,1"`},
		{"cron", `0 0 28-3 * *`, `day "28-3" runs backwards`, `use "28-31,1-3"`},
		{"cron", `1 2 3 4 5 6 7 8`, `"1 2 3 4 5 6 7 8" has 8 fields, not five`, `use "1 2 3 4 5": there are no years`},
		{"cron", `0 0 4 * * *`, `"0 0 4 * * *" has 6 fields, not five`, `there are no seconds and years: use "0 4 * * *"`},
		{"cron", `*/10 * * * * *`, `"*/10 * * * * *" has 6 fields, not five`, `there are no seconds: use every for short intervals`},
		{"cron", `0 4 * * * 2030`, `"0 4 * * * 2030" has 6 fields, not five`, `use "0 4 * * *": there are no years`},
		{"cron", `0 4 * * * root /bin/x`, `"0 4 * * * root /bin/x" has 7 fields, not five`, `use "0 4 * * *": the command goes into cmd`},
		{"cron", `0 0 4 * * * 2030`, `"0 0 4 * * * 2030" has 7 fields, not five`, `there are no seconds and years: use "0 4 * * *"`},
		{"cron", `xyz`, `"xyz" has 1 of the five fields`, `write five: minute hour day month weekday`},
		{"cron", `0 4 * *`, `"0 4 * *" has 4 of the five fields`, `write five: minute hour day month weekday`},
		{"cron", `15/35 * * * *`, `minute "15/35" has a step without a range`, `use "15-59/35"`},
		{"cron", `1/2 * * * *`, `minute "1/2" has a step without a range`, `use "1-59/2"`},
		{"cron", `0 0 * * 1/2`, `weekday "1/2" has a step without a range`, `use "1-6/2"`},
		{"cron", `@reboot`, `"@reboot" is not a schedule`, `use at_boot = true`},
		{"cron", `@every 5m`, `"@every 5m" is not a cron expression`, `use every = "5m"`},
		{"cron", `@Daily`, `"@Daily" is not known`, `use "@daily"`},
		{"cron", `@fortnightly`, `"@fortnightly" is not known`, `use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually`},
		{"cron", `@daily x`, `"@daily x" is not known`, `use "@daily"`},
		{"cron", `TZ=Europe/Berlin 0 4 * * *`, `"TZ=Europe/Berlin" is not part of an expression`, `use timezone = "Europe/Berlin" beside it`},
		{"cron", `CRON_TZ=Asia/Tokyo 0 4 * * *`, `"CRON_TZ=Asia/Tokyo" is not part of an expression`, `use timezone = "Asia/Tokyo" beside it`},
		{"cron", `0 0 15W * *`, `day "15W" is of another cron`, `use a day; there is no nearest weekday`},
		{"cron", `0 0 LW * *`, `day "LW" is of another cron`, `use a day; there is no nearest weekday`},
		{"cron", `0 0 L-3 * *`, `day "L-3" is of another cron`, `use "L" for the last day, or a number`},
		{"cron", `0 0 ? * 1`, `day "?" is of another cron`, `use "*"`},
		{"cron", `H H * * *`, `minute "H" is of another cron`, `use a number, and jitter to spread jobs over time`},
		{"cron", `H H * * *`, `hour "H" is of another cron`, `use a number, and jitter to spread jobs over time`},
		{"cron", `H/15 * * * *`, `minute "H/15" is of another cron`, `use a number, and jitter to spread jobs over time`},
		{"cron", `H(0-29)/10 * * * *`, `minute "H(0-29)/10" is of another cron`, `use a number, and jitter to spread jobs over time`},
		{"cron", `0 0 * * 5L`, `weekday "5L" is of another cron`, `use "5#L"`},
		{"cron", `0 0 * * friL`, `weekday "friL" is of another cron`, `use "fri#L"`},
		{"cron", `0 0 * * L`, `weekday "L" is of another cron`, `use "sat", or "sat#L" for the last of the month`},
		{"cron", `0 0 * * fri#6`, `weekday "fri#6" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `0 0 * * fri#0`, `weekday "fri#0" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `0 0 * * fri#`, `weekday "fri#" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `0 0 * * #2`, `weekday "#2" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `0 0 * * *#2`, `weekday "*#2" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `0 0 * * fri-sat#2`, `weekday "fri-sat#2" has no such form`, `use it like "fri#1" to "fri#5", or "fri#L" for the last`},
		{"cron", `1,,2 * * * *`, `minute "1,,2" has an empty item`, `remove the extra comma`},
		{"cron", `1, * * * *`, `minute "1," has an empty item`, `remove the extra comma`},
		{"cron", `,1 * * * *`, `minute ",1" has an empty item`, `remove the extra comma`},
		{"cron", `*-5 * * * *`, `minute "*-5": "*" is not a number`, `use a number from 0 to 59`},
		{"cron", `+5 * * * *`, `minute "+5" is not a number`, `use a number from 0 to 59`},
		{"cron", `1-2-3 * * * *`, `minute "1-2-3": "2-3" is not a number`, `use a number from 0 to 59`},
		{"cron", `1- * * * *`, `minute "1-": "" is not a number`, `use a number from 0 to 59`},
		{"cron", `-1 * * * *`, `minute "-1": "" is not a number`, `use a number from 0 to 59`},
		{"cron", `0 0 0 * *`, `day "0" is not in range`, `use a number from 1 to 31`},
		{"cron", `0 0 32 * *`, `day "32" is not in range`, `use a number from 1 to 31`},
		{"cron", `0 0 * 0 *`, `month "0" is not in range`, `use a number from 1 to 12, or a name from jan to dec`},
		{"cron", `0 0 * 13 *`, `month "13" is not in range`, `use a number from 1 to 12, or a name from jan to dec`},
		{"cron", `0 0 * january *`, `month "january" is not a number or name`, `use "jan"`},
		{"cron", `0 0 * * monday`, `weekday "monday" is not a number or name`, `use "mon"`},
		{"cron", `0 0 * * 8`, `weekday "8" is not in range`, `use a number from 0 to 7, or a name from sun to sat`},
		{"cron", `0 0 * * monnn`, `weekday "monnn" is not a number or name`, `use "mon"`},
		{"cron", `0 0 * xyz *`, `month "xyz" is not a number or name`, `use a number from 1 to 12, or a name from jan to dec`},
		{"cron", `0 0 30 2 *`, `"0 0 30 2 *" never comes: there is no such date`, `check the day and month fields`},
		{"cron", `0 0 31 4,6,9,11 *`, `"0 0 31 4,6,9,11 *" never comes: there is no such date`, `check the day and month fields`},
		{"cron", `* * 31 2 *`, `"* * 31 2 *" never comes: there is no such date`, `check the day and month fields`},
		{"cron", `*/30 2 * 3 sun#2`, `"*/30 2 * 3 sun#2" never comes: the clock of America/New_York always skips that time`, `name the hour and minute by number: then it is due at the gap's end`},
		{"cron", `5-10/ * * * *`, `minute "5-10/" has no such step`, `use a step from 1 to 59`},
		{"cron", `5-10/x * * * *`, `minute "5-10/x" has no such step`, `use a step from 1 to 59`},
		{"cron", `60 24 32 13 8`, `minute "60" is not in range`, `use a number from 0 to 59`},
		{"cron", `60 24 32 13 8`, `hour "24" is not in range`, `use a number from 0 to 23`},
		{"cron", `60 24 32 13 8`, `day "32" is not in range`, `use a number from 1 to 31`},
		{"cron", `60 24 32 13 8`, `month "13" is not in range`, `use a number from 1 to 12, or a name from jan to dec`},
		{"cron", `60 24 32 13 8`, `weekday "8" is not in range`, `use a number from 0 to 7, or a name from sun to sat`},
		{"cron", `4:35am * * * *`, `minute "4:35am" is not a number`, `use a number from 0 to 59`},
		{"cron", `4:35am`, `"4:35am" is not a cron expression`, `use start_at = "4:35am"`},
		{"cron", `1_0 * * * *`, `minute "1_0" is not a number`, `use a number from 0 to 59`},
		{"cron", `0x1 * * * *`, `minute "0x1" is not a number`, `use a number from 0 to 59`},
		{"cron", `99999999999999999999 * * * *`, `minute "99999999999999999999" is not a number`, `use a number from 0 to 59`},

		{"every", ``, `"" is not a duration`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `0`, `"0" is less than 1s`, `use "1s"`},
		{"every", `0s`, `"0s" is less than 1s`, `use "1s"`},
		{"every", `500ms`, `"500ms" is less than 1s`, `use "1s"`},
		{"every", `-5s`, `"-5s" is negative`, `use "5s"`},
		{"every", `+5s`, `"+5s" is not a duration`, `use "5s"`},
		{"every", `9e99h`, `"9e99h" has no known unit in "e"`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `15`, `"15" has no unit`, `use "15s", "15m" or "15h"`},
		{"every", `1y`, `"1y" has no known unit in "y"`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `1 h`, `"1 h" has no known unit in " h"`, `use "1h"`},
		{"every", `1h 30m`, `"1h 30m" has no known unit in "h "`, `use "1h30m"`},
		{"every", `5min`, `"5min" has no known unit in "min"`, `use "5m"`},
		{"every", `5 minutes`, `"5 minutes" has no known unit in " minutes"`, `use "5m"`},
		{"every", `2 days`, `"2 days" has no known unit in " days"`, `use "2d"`},
		{"every", `1M`, `"1M" has no known unit in "M"`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `3651d`, `"3651d" is more than 3650d`, `use "3650d"`},
		{"every", `9999999999999999999h`, `"9999999999999999999h" is too long`, `use at most "106751d"`},
		{"every", `999999w`, `"999999w" is too long`, `use at most "106751d"`},
		{"every", `1..5s`, `"1..5s" is not a duration`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `h`, `"h" is not a duration`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `5s3`, `"5s3" has no unit`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `daily`, `"daily" is not a duration`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `every 5m`, `"every 5m" is not a duration`, `write it like "90s", "15m", "1h30m" or "1d"`},
		{"every", `1µs`, `"1µs" is less than 1s`, `use "1s"`},
		{"every", ` 5m`, `" 5m" is not a duration`, `use "5m"`},
		{"every", `5m `, `"5m " has no known unit in "m "`, `use "5m"`},
		{"every", `0.5s`, `"0.5s" is less than 1s`, `use "1s"`},

		{"at", ``, `an empty time`, `name a date and time such as "2026-12-24 18:00"`},
		{"at", `2026-12-24`, `"2026-12-24" is not a date and time`, `add the time of day, as in "2026-12-24 18:00"`},
		{"at", `18:00`, `"18:00" is not a date and time`, `use start_at for every day, or add the date`},
		{"at", `6pm`, `"6pm" is not a date and time`, `use start_at for every day, or add the date`},
		{"at", `2026-12-24T18:00`, `"2026-12-24T18:00" is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026-12-24 18:00:00`, `"2026-12-24 18:00:00" is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026-12-24 18:00:00Z`, `"2026-12-24 18:00:00Z" is not a date and time`, `use "2026-12-24T18:00:00Z"`},
		{"at", `2026-12-24T18:00Z`, `"2026-12-24T18:00Z" is not a date and time`, `use "2026-12-24T18:00:00Z"`},
		{"at", `2026-12-24T18:00:00.5Z`, `"2026-12-24T18:00:00.5Z" is not a date and time`, `use "2026-12-24T18:00:00Z"`},
		{"at", `2026-12-24T18:00:00`, `"2026-12-24T18:00:00" is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026/12/24 18:00`, `"2026/12/24 18:00" is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026-12-24 8:00`, `"2026-12-24 8:00" is not a date and time`, `use "2026-12-24 08:00"`},
		{"at", `2026-02-30 10:00`, `"2026-02-30 10:00" is not a date and time`, `there is no such time: day out of range`},
		{"at", `2026-12-24 24:00`, `"2026-12-24 24:00" is not a date and time`, `there is no such time: hour out of range`},
		{"at", `2026-12-24T18:00:00+25:00`, `"2026-12-24T18:00:00+25:00" is not a date and time`, `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`},
		{"at", `tomorrow`, `"tomorrow" is not a date and time`, `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`},
		{"at", `now + 1 hour`, `"now + 1 hour" is not a date and time`, `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`},
		{"at", `2026-12-24  18:00`, `"2026-12-24  18:00" is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026-12-24t18:00:00z`, `"2026-12-24t18:00:00z" is not a date and time`, `use "2026-12-24T18:00:00Z"`},
		{"at", `2026-12-24T18:00:00+0100`, `"2026-12-24T18:00:00+0100" is not a date and time`, `use "2026-12-24T18:00:00+01:00"`},
		{"at", `24.12.2026 18:00`, `"24.12.2026 18:00" is not a date and time`, `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`},
		{"at", `2026-12-24 18:00 `, `"2026-12-24 18:00 " is not a date and time`, `use "2026-12-24 18:00"`},
		{"at", `2026-12-24 18:00 Europe/Berlin`, `"2026-12-24 18:00 Europe/Berlin" is not a date and time`, `use "2026-12-24 18:00", and timezone for the zone`},
		{"at", `2026-12-24T18:00:60Z`, `"2026-12-24T18:00:60Z" is not a date and time`, `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`},

		{"timezone", ``, `an empty timezone`, `name a zone such as "Europe/Berlin", or remove the key for the machine's own`},
		{"timezone", `Local`, `"Local" is not a time zone`, `use "local"`},
		{"timezone", `LOCAL`, `"LOCAL" is not a time zone`, `use "local"`},
		{"timezone", `america/new_york`, `"america/new_york" is not a time zone`, `use "America/New_York"`},
		{"timezone", `america/new york`, `"america/new york" is not a time zone`, `use "America/New_York"`},
		{"timezone", `Mars/Olympus`, `"Mars/Olympus" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `right/UTC`, `"right/UTC" counts leap seconds`, `use "UTC"`},
		{"timezone", `utc`, `"utc" is not a time zone`, `use "UTC"`},
		{"timezone", `PST`, `"PST" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `UTC+2`, `"UTC+2" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `+02:00`, `"+02:00" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `../etc/passwd`, `"../etc/passwd" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `/etc/passwd`, `"/etc/passwd" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `Europe/Berlin `, `"Europe/Berlin " is not a time zone`, `use "Europe/Berlin"`},
		{"timezone", `zone.tab`, `"zone.tab" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `America/port-au-prince`, `"America/port-au-prince" is not a time zone`, `use an IANA name such as "Europe/Berlin", or "local"`},
		{"timezone", `etc/utc`, `"etc/utc" is not a time zone`, `use "Etc/UTC"`},
		{"timezone", `america/argentina/buenos_aires`, `"america/argentina/buenos_aires" is not a time zone`, `use "America/Argentina/Buenos_Aires"`},
	} {
		if row.key+row.value != of {
			if len(errs) > 0 {
				t.Errorf("more mistakes in %q: %v", of, errs)
			}
			of = row.key + row.value
			_, errs = Parse(keysOf(row.key, row.value), ny, now)
		}
		if len(errs) == 0 {
			t.Errorf("%s %q: not refused", row.key, row.value)
			continue
		}
		err := *errs[0]
		errs = errs[1:]
		if want := (Error{row.key, 0, row.value, row.reason, row.fix}); err != want {
			t.Errorf("%s %q:\n got %+v\nwant %+v", row.key, row.value, err, want)
		}
	}
	if len(errs) > 0 {
		t.Errorf("more mistakes in %q: %v", of, errs)
	}
}
