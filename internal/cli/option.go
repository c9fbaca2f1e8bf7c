package cli

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"jobsd/internal/schedule"
)

// option declares an option of a verb. What the parser accepts, the help, and what a shell completes follow from it.
type option struct {
	name   string
	letter string // the short form; the help shows only this one
	takes  kind
	to     any // the variable of the value, or a function that reads its text; nil: only the help has this option
	about  string
	brief  string // what a shell shows; "": the beginning of about
	hidden bool   // the help does not have this option
}

// kind is what an option takes.
type kind struct {
	value string   // its name in the help; "" for an option that is true or false
	words []string // to choose from; nil: there are too many
	files []string // files with these suffixes, or any file if it is empty; nil: no files
	dirs  bool     // directories
}

var (
	nothing    = kind{}
	aNumber    = kind{value: "NUMBER"}
	aText      = kind{value: "TEXT"}
	aTime      = kind{value: "TIME"}
	aDuration  = kind{value: "DURATION"}
	aDirectory = kind{value: "DIR", dirs: true}
	aJobFile   = kind{value: "FILE", files: jobSuffixes}
	aTOMLFile  = kind{value: "FILE", files: jobSuffixes[:1]}

	jobSuffixes = []string{"toml", "json"}
)

func opt(name string, takes kind, to any, about string) option {
	return option{name: name, takes: takes, to: to, about: about}
}

// short adds the short form.
func (o option) short(letter string) option {
	o.letter = letter
	return o
}

// paragraph is a text between the options of a help text.
func paragraph(text string) option { return option{about: text} }

// jsonOption is --json. about says what a verb prints.
func (a *app) jsonOption(about string) option {
	return option{name: "json", to: &a.json, about: about, brief: "print JSON"}
}

// declare adds the option to a verb.
func (o option) declare(cmd *cobra.Command, fs *pflag.FlagSet) {
	about, _, _ := strings.Cut(o.about, "; ")
	about, _, _ = strings.Cut(about, ". ")
	about = cmp.Or(o.brief, strings.Join(strings.Fields(about), " "))
	switch to := o.to.(type) {
	case *bool:
		fs.BoolVarP(to, o.name, o.letter, false, about)
	case *int:
		fs.IntVarP(to, o.name, o.letter, *to, about)
	case *uint64:
		fs.Uint64VarP(to, o.name, o.letter, *to, about)
	default:
		fs.FuncP(o.name, o.letter, about, o.reader())
	}
	fs.Lookup(o.name).Hidden = o.hidden
	switch {
	case o.takes.files != nil:
		_ = fs.SetAnnotation(o.name, cobra.BashCompFilenameExt, o.takes.files)
	case o.takes.dirs:
		_ = fs.SetAnnotation(o.name, cobra.BashCompSubdirsInDir, nil)
	default:
		_ = cmd.RegisterFlagCompletionFunc(o.name, cobra.FixedCompletions(o.takes.words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// reader returns a function that reads the text of a value.
func (o option) reader() func(string) error {
	switch to := o.to.(type) {
	case *string:
		return func(text string) error {
			*to = text
			if o.takes.words == nil {
				return nil
			}
			return oneOf("--"+o.name, text, o.takes.words...)
		}
	case **string: // nil as long as the option is not given
		return func(text string) error { *to = &text; return nil }
	case *[]string:
		return func(text string) error { *to = append(*to, text); return nil }
	case *time.Duration:
		return func(text string) (err error) { *to, err = schedule.ParseDuration(text); return err }
	case *time.Time:
		return func(text string) (err error) { *to, err = instant("--"+o.name, text, time.Now()); return err }
	}
	return o.to.(func(string) error)
}

// row returns the lines of the help text about the option.
func (o option) row() row {
	name := "--" + o.name
	switch {
	case o.name == "":
		name = ""
	case o.letter != "":
		name = "-" + o.letter
	}
	return row{strings.TrimSpace(name + " " + o.takes.value), o.about}
}

// instant parses the time of an option, such as "16:00", "tomorrow 4pm" or "now + 1h". Only a time with a date and a year
// may be in the past.
func instant(option, text string, now time.Time) (time.Time, error) {
	at, err := schedule.Moment(text, now, time.Local)
	return exactInstant(option, at, err, now)
}

// pastInstant parses the time of an option that is in the past, such as "2h" (ago), "16:00" or "yesterday".
func pastInstant(option, text string, now time.Time) (time.Time, error) {
	at, err := schedule.PastMoment(text, now, time.Local)
	return exactInstant(option, at, err, now)
}

func exactInstant(option, at string, err error, now time.Time) (time.Time, error) {
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
