package jobfile

import (
	"strconv"
	"time"

	"jobsd/internal/schedule"
)

// DayWords are the words for days, without the many ranges and the days of the month.
var DayWords = []string{"weekdays", "weekends", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// dayText is a weekday or a day of the month, as text.
var dayText = typ[string]{
	name: "day",
	form: Form{Item: Day, Words: DayWords},
	read: func(r *reader, n *node) (string, bool) {
		switch n.kind {
		case text:
			if name := weekdayNumber(n.text); name != "" {
				r.fail(n, `%q could be a day of the month or a weekday: write %s without quotes for the day of the month, or "%s" for the weekday`,
					n.text, n.text, known(name))
				return "", false
			}
			return n.text, true
		case integer:
			return strconv.FormatInt(n.num, 10), true
		}
		return "", r.wrong(n, `a day such as "mon" or 15`)
	},
	print:  printText[string],
	schema: daySchema,
}

// weekdayNumber returns the weekday of a number in a crontab, "" if the text cannot be both a weekday and a day of the
// month.
func weekdayNumber(text string) string {
	names := [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	if len(text) != 1 || text[0] < '1' || text[0] > '7' {
		return ""
	}
	return names[text[0]-'1']
}

func daySchema() schema {
	const day = "([sS][uU][nN]([dD][aA][yY])?|[mM][oO][nN]([dD][aA][yY])?|[tT][uU][eE]([sS][dD][aA][yY])?|" +
		"[wW][eE][dD]([nN][eE][sS][dD][aA][yY])?|[tT][hH][uU]([rR][sS][dD][aA][yY])?|[fF][rR]" + letterI + "([dD][aA][yY])?|" +
		"[sS][aA][tT]([uU][rR][dD][aA][yY])?)"
	const week = "[wW][eE][eE]" + letterK + "([dD][aA][yY][sS]|[eE][nN][dD][sS])"
	return textOrNumber("^("+day+"(-"+day+")?|"+week+"|-1|[89]|[12][0-9]|3[01])$", -1).with(schema{
		"maximum":  31,
		"not":      schema{"const": 0},
		"examples": []any{"mon", "mon-fri", "weekdays", "weekends", 15, -1},
	})
}

// The schedule package checks these texts.
var (
	timeOfDay = unchecked(`a time of day such as "4:35am" or "16:05" (in quotes)`, timeOfDaySchema)
	interval  = unchecked(`a duration such as "5m" (in quotes)`, durationSchema)
	firstTime = unchecked(`a date such as "2026-01-06" (in quotes)`, firstTimeSchema)
	cronLine  = unchecked(`an expression such as "35 4 * * *" (in quotes)`, cronSchema).as(Form{Commas: true})
	instant   = unchecked(`a date and time such as "2026-12-24 18:00" (in quotes)`, instantSchema)
	zoneName  = unchecked(`a time zone such as "Europe/Berlin" (in quotes)`, zoneSchema)
)

func unchecked(want known, s func() schema) typ[string] {
	read := of(text, want, func(_ *reader, n *node) (string, bool) { return n.text, true })
	return typ[string]{name: "string", print: printText[string], schema: s, write: writeText[string], read: read}
}

func timeOfDaySchema() schema {
	const half = "(0?[1-9]|1[0-2])(:[0-5][0-9])? ?[aApP][mM]"
	const whole = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
	const word = "[nN][oO][oO][nN]|[mM]" + letterI + "[dD][nN]" + letterI + "[gG][hH][tT]"
	return pattern("^(" + half + "|" + whole + "|" + word + ")$").with(
		schema{"examples": []string{"4:35am", "4pm", "16:05", "noon", "midnight"}})
}

// cronSchema accepts as a blank every character that no field can contain: Unicode has many blanks.
func cronSchema() schema {
	const field, blank = "[0-9A-Za-z*,/#-]+", "[^0-9A-Za-z*,/#@-]"
	const macro = "@(hourly|daily|midnight|weekly|monthly|yearly|annually)"
	return pattern("^" + blank + "*(" + macro + "|" + field + "(" + blank + "+" + field + "){4})" + blank + "*$").with(
		schema{"examples": []string{"*/10 * * * *", "35 4 * * mon-fri", "@daily"}})
}

const datePattern, clockPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}`, `( [0-9]{2}:[0-9]{2}|T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))`

func instantSchema() schema {
	return pattern(datePattern + clockPattern + "$").with(schema{"examples": []string{"2026-12-24 18:00", "2026-12-24T18:00:00+01:00"}})
}

func firstTimeSchema() schema {
	return pattern(datePattern + clockPattern + "?$").with(schema{"examples": []string{"2026-01-06", "2026-01-06 09:00"}})
}

func zoneSchema() schema {
	return someTextSchema().with(schema{"default": "local", "examples": []string{"local", "UTC", "Europe/Berlin"}})
}

func durationSchema() schema {
	return pattern(`^(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))+)$`).with(
		schema{"examples": []string{"90s", "10m", "1h30m", "1d"}})
}

const maxDuration = 3650 * 24 * time.Hour

// duration is a duration from least to ten years.
func duration(least time.Duration) typ[time.Duration] {
	return typ[time.Duration]{
		name: "duration",
		read: of(text, `a duration such as "90s", "10m" or "1d" (in quotes)`, func(r *reader, n *node) (time.Duration, bool) {
			d, err := schedule.ParseDuration(n.text)
			switch {
			case err != nil && n.src.secret:
				r.fail(n, "is not a duration")
			case err != nil:
				r.fail(n, "%s", known(err.Error()))
			case d < 0:
				r.fail(n, "%q is negative", n.text)
			case d < least:
				r.fail(n, "must be at least %s", known(least.String()))
			case d > maxDuration:
				r.fail(n, "%q is more than 3650d", n.text)
			default:
				return d, true
			}
			return 0, false
		}),
		print:  printInt[time.Duration],
		schema: durationSchema,
		write:  func(v time.Duration) any { return schedule.FormatDuration(v) },
	}
}

// catchUp is true, false or a duration.
var catchUp = typ[CatchUp]{
	name: "bool or duration",
	form: Form{Item: TruthOrText},
	read: func(r *reader, n *node) (CatchUp, bool) {
		switch n.kind {
		case boolean:
			return CatchUp{Max: -time.Duration(n.num)}, true
		case text:
			d, ok := duration(0).read(r, n)
			return CatchUp{Max: d}, ok
		}
		return CatchUp{}, r.wrong(n, `true, false or a duration such as "1d"`)
	},
	print:  func(b []byte, v CatchUp) []byte { return printInt(b, v.Max) },
	schema: func() schema { return schema{"type": []string{"boolean", "string"}}.with(durationSchema()) },
	write:  func(v CatchUp) any { return v.Max != 0 },
}
