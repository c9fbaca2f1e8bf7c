package cli

import (
	"errors"
	"time"

	"jobsd/internal/schedule"
)

// instant parses the time of an option, such as "16:00", "tomorrow 4pm" or "now + 1h". Only a time with a date and a year
// may be in the past.
func instant(option, text string, now time.Time) (time.Time, error) {
	at, err := schedule.Moment(text, now, time.Local)
	if err != nil {
		return time.Time{}, wrongInstant(option, err)
	}
	s, errs := schedule.Parse(schedule.Keys{At: &at}, time.Local, now)
	if errs != nil {
		return time.Time{}, wrongInstant(option, errs[0])
	}
	return s.Next(time.Time{}), nil
}

func wrongInstant(option string, err error) error {
	if e, ok := errors.AsType[*schedule.Error](err); ok {
		return usage(e.Fix, "%s: %s", option, e.Reason)
	}
	return usage("", "%s: %w", option, err)
}
