package cli

import (
	"strings"
	"testing"
	"time"

	"jobsd/internal/control"
)

// TestOrder checks what the options of a verb make of its request.
func TestOrder(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		order
		until time.Time
		err   string
	}{
		{order{Request: control.Request{Verb: control.Stop}}, time.Time{}, ""},
		{order{Request: control.Request{Verb: control.Stop}, length: time.Hour}, now.Add(time.Hour), ""},
		{order{Request: control.Request{Verb: control.Disable}, end: now.Add(time.Minute)}, now.Add(time.Minute), ""},
		{order{Request: control.Request{Verb: control.Disable}, end: now}, time.Time{}, "--until 2026-11-23T12:00:00Z is in the past"},
		{order{Request: control.Request{Verb: control.Restart}, length: time.Hour, end: now.Add(time.Hour)}, time.Time{},
			"restart: --for cannot be combined with --until"},
		{order{Request: control.Request{Verb: control.Stop, Run: 7}, length: time.Hour}, time.Time{},
			"stop: --run cannot be combined with --for or --until"},
		{order{Request: control.Request{Verb: control.Signal, Signal: "HUP"}}, time.Time{}, ""},
		{order{Request: control.Request{Verb: control.Signal, Signal: "NOSUCH"}}, time.Time{}, `signal: no signal is called "NOSUCH"`},
		{order{Request: control.Request{Verb: control.Start, Args: []string{"a\xff"}}}, time.Time{}, `the argument "a\xff" is not UTF-8`},
	} {
		o := test.order
		err := o.complete(now)
		switch {
		case test.err == "" && (err != nil || !o.Until.Equal(test.until)):
			t.Errorf("%+v: until %s, %v; want %s", test.order, o.Until, err, test.until)
		case test.err != "" && (err == nil || err.Error() != test.err || codeOf(err) != exitUsage):
			t.Errorf("%+v: got %v, want %s", test.order, err, test.err)
		}
	}
}

// TestDelayOption checks the durations that the daemon accepts.
func TestDelayOption(t *testing.T) {
	o := order{Request: control.Request{Verb: control.Start}}
	read := o.delayOption("in", &o.In, "").reader()
	for text, want := range map[string]string{
		"10m": "", "3650d": "",
		"":      "--in : ",
		"soon":  "--in soon: ",
		"0s":    "--in 0s: must be more than 0 and at most 3650d",
		"3651d": "--in 3651d: must be more than 0 and at most 3650d",
	} {
		err := read(text)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
