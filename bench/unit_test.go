package main

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		unit unit
		in   float64
		want string
	}{
		{unitSeconds, 12.3456, "12.3 s"},
		{unitSeconds, 0.9876, "988 ms"},
		{unitSeconds, 0.001234, "1.23 ms"},
		{unitSeconds, 0.0000456, "45.6 us"},
		{unitSeconds, 5e-10, "0.50 ns"},
		{unitSeconds, -0.002, "-2.00 ms"},
		{unitBytes, 36_400_000, "36.4 MB"},
		{unitBytes, 999, "999 B"},
		{unitNumber, 1.8, "1.80"},
		{unitNumber, 1234.5, "1234"},
		{unitNumber, 9.996, "10.0"},
		{unitSeconds, 0, "0"},
		{unitSeconds, math.NaN(), "-"},
	} {
		if got := test.unit.format(test.in); got != test.want {
			t.Errorf("%v in unit %d: got %q, want %q", test.in, test.unit, got, test.want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10_000: "10,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
