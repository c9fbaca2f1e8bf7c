package cli

import (
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestOption checks that the parser, the help and the completion follow from one declaration.
func TestOption(t *testing.T) {
	var quiet bool
	var number int
	var format string
	var files []string
	var wait time.Duration
	cmd := (&app{}).verb("jobsd test - try options\n\nusage: jobsd test\n", arguments{}, func([]string) error { return nil },
		opt("quiet", nothing, &quiet, "say less; may be given at any time"),
		opt("number", aNumber, &number, "use this NUMBER").short("n"),
		opt("format", kind{value: "FORMAT", words: []string{"text", "json"}}, &format, "write in this format"),
		paragraph("Where things are:"),
		opt("file", aJobFile, &files, "read this file"),
		opt("timeout", aDuration, &wait, "wait at most this long. Nobody waits longer than that, because a life is short, and so is "+
			"a line"),
	)
	const help = `jobsd test - try options

usage: jobsd test

  --quiet             say less; may be given at any time
  -n NUMBER           use this NUMBER
  --format FORMAT     write in this format

Where things are:

  --file FILE         read this file
  --timeout DURATION  wait at most this long. Nobody waits longer than that,
                      because a life is short, and so is a line
`
	if cmd.Long != help {
		t.Errorf("got\n%s\nwant\n%s", cmd.Long, help)
	}
	if err := cmd.ParseFlags([]string{"--quiet", "-n", "5", "--format=json", "--file", "a", "--file", "b", "--timeout", "1m"}); err != nil {
		t.Fatal(err)
	}
	if !quiet || number != 5 || format != "json" || !slices.Equal(files, []string{"a", "b"}) || wait != time.Minute {
		t.Errorf("got %t, %d, %q, %q, %s", quiet, number, format, files, wait)
	}
	for _, args := range [][]string{{"--format", "xml"}, {"--timeout", "5"}, {"-n", "x"}} {
		if err := cmd.ParseFlags(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if got := cmd.Flags().Lookup("quiet").Usage; got != "say less" {
		t.Errorf("a shell shows %q", got)
	}
	if got := cmd.Flags().Lookup("file").Annotations[cobra.BashCompFilenameExt]; !slices.Equal(got, []string{"toml", "json"}) {
		t.Errorf("a shell completes files with the suffixes %q", got)
	}
	words, _ := cmd.GetFlagCompletionFunc("format")
	if got, _ := words(cmd, nil, ""); !slices.Equal(got, []string{"text", "json"}) {
		t.Errorf("a shell offers %q", got)
	}
}
