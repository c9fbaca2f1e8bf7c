package cli

import (
	"time"

	"github.com/spf13/pflag"

	"jobsd/internal/control"
	"jobsd/internal/schedule"
)

// untilFlags are the options for the end of something: --for and --until.
type untilFlags struct{ duration, time string }

func (u *untilFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&u.duration, "for", "", "")
	fs.StringVar(&u.time, "until", "", "")
}

// instant returns the end that the options give; zero: no option was given.
func (u *untilFlags) instant(verb string, now time.Time) (time.Time, error) {
	hint := "jobsd help " + verb
	switch {
	case u.duration == "" && u.time == "":
		return time.Time{}, nil
	case u.duration != "" && u.time != "":
		return time.Time{}, usage(hint, "%s: --for cannot be combined with --until", verb)
	case u.duration != "":
		d, err := schedule.ParseDuration(u.duration)
		if err != nil {
			return time.Time{}, usage(hint, "--for %s: %w", u.duration, err)
		}
		if d <= 0 || d > control.MaxIn {
			return time.Time{}, usage(hint, "--for %s: must be more than 0 and at most %dd", u.duration, control.MaxIn/(24*time.Hour))
		}
		return now.Add(d), nil
	}
	end, err := instant("--until", u.time, now)
	if err == nil && !end.After(now) {
		err = usage("give a time in the future", "--until %s is in the past", u.time)
	}
	return end, err
}
