package main

import (
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions(strings.Fields("-short herd -rounds 3 idle -n 50"))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.benchmarks) != 2 || o.benchmarks[0] != herd || o.benchmarks[1] != idle || o.rounds != 3 || o.jobs != 50 || !o.short {
		t.Errorf("got %+v", o)
	}
	if o, err := parseOptions([]string{"all"}); err != nil || len(o.benchmarks) != len(benchmarks) {
		t.Errorf("all: got %+v, %v", o, err)
	}
	if _, err := parseOptions([]string{"heard"}); err == nil || !strings.Contains(err.Error(), "write one of: herd,") {
		t.Errorf("a wrong name: got %v", err)
	}
}

func TestRounds(t *testing.T) {
	for _, test := range []struct {
		usual int
		o     options
		want  int
	}{
		{7, options{}, 7},
		{7, options{short: true}, 3},
		{1, options{short: true}, 1},
		{7, options{short: true, rounds: 5}, 5},
	} {
		b := &benchmark{rounds: test.usual}
		if got := b.countRounds(&test.o); got != test.want {
			t.Errorf("%+v: got %d rounds, want %d", test, got, test.want)
		}
	}
}
