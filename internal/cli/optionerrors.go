package cli

import (
	"errors"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// wrongOption translates an error of the option parser into our own words.
func wrongOption(cmd *cobra.Command, err error) error {
	hint := "jobsd help"
	if cmd.HasParent() {
		hint += " " + cmd.Name()
	}
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return wrongValue(hint, spelled(value.GetFlag()), value)
	case errors.As(err, &missing):
		return usage(hint, "%s needs a value", spelled(missing.GetFlag()))
	case errors.As(err, &unknown):
		return unknownOption(hint, cmd, unknown)
	}
	return usage(hint, "%w", err)
}

// inFront does the same for options in front of the verb, which cobra parses while it looks for the verb.
func inFront(root *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	var ours *failure
	if !errors.As(err, &ours) && (errors.As(err, &value) || errors.As(err, &missing) || errors.As(err, &unknown)) {
		return wrongOption(root, err)
	}
	return err
}

// spelled returns an option as the help writes it.
func spelled(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

func wrongValue(hint, option string, e *pflag.InvalidValueError) error {
	var ours *failure
	var duration *schedule.Error
	switch kind := e.GetFlag().Value.Type(); {
	case errors.As(e, &ours):
		return ours
	case errors.As(e, &duration):
		return usage(duration.Fix, "%s: %s", option, duration.Reason)
	case errors.Is(e, strconv.ErrRange):
		return usage(hint, "%s %q is out of range", option, e.GetValue())
	case kind == "bool":
		return usage(hint, "%s %q is neither true nor false", option, e.GetValue())
	case kind == "uint64":
		return usage(hint, "%s %q is not a number of 0 or more", option, e.GetValue())
	case errors.Is(e, strconv.ErrSyntax):
		return usage(hint, "%s %q is not a whole number", option, e.GetValue())
	}
	return usage(hint, "%s: %w", option, e.Unwrap())
}

func unknownOption(hint string, cmd *cobra.Command, e *pflag.NotExistError) error {
	if e.GetSpecifiedShortnames() != "" {
		return usage(hint, "%s has no option -%s", cmd.Name(), e.GetSpecifiedName())
	}
	if !cmd.HasParent() && slices.ContainsFunc(cmd.Commands(), func(c *cobra.Command) bool {
		return c.LocalNonPersistentFlags().Lookup(e.GetSpecifiedName()) != nil
	}) {
		hint = "write it after the verb"
	}
	var options []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			options = append(options, f.Name)
		}
	})
	if near := jobfile.Nearest(e.GetSpecifiedName(), options); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return usage(hint, "%s has no option --%s", cmd.Name(), e.GetSpecifiedName())
}
