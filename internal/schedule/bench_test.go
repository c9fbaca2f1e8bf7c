package schedule

import (
	"testing"
	"time"
)

var benchKeys = []struct {
	name string
	keys Keys
}{
	{"*/5 * * * *", cronKeys("*/5 * * * *")},
	{"35 4 * * *", cronKeys("35 4 * * *")},
	{"0 0 29 2 1", cronKeys("0 0 29 2 1")},
	{"start_at and days", Keys{StartAt: []string{"4:35am", "16:05"}, Days: []string{"mon-fri", "1", "-1"}}},
}

func BenchmarkNext(b *testing.B) {
	ny := location(b, "America/New_York")
	for _, row := range benchKeys {
		b.Run(row.name, func(b *testing.B) {
			s := must(b, row.keys, ny)
			start := now.In(ny)
			at := start
			b.ReportAllocs()
			for b.Loop() {
				if at = s.Next(at); at.Year() > 2040 {
					at = start
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	ny := location(b, "America/New_York")
	for _, row := range benchKeys {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(row.keys, ny, now)
			}
		})
	}
}

// BenchmarkCountYear counts the slots that a machine missed in a year.
func BenchmarkCountYear(b *testing.B) {
	ny := location(b, "America/New_York")
	s := must(b, cronKeys("* * * * *"), ny)
	for b.Loop() {
		s.CountAfter(now, now.AddDate(1, 0, 0), 1<<30)
	}
}

// TestNoAllocs checks that finding slots allocates no memory.
func TestNoAllocs(t *testing.T) {
	ny := location(t, "America/New_York")
	for _, row := range benchKeys {
		s := must(t, row.keys, ny)
		at := now
		if n := testing.AllocsPerRun(500, func() { at = s.Next(at) }); n != 0 {
			t.Errorf("%s: Next allocates %v times", row.name, n)
		}
		if n := testing.AllocsPerRun(10, func() { s.CountAfter(now, now.Add(90*24*time.Hour), 1000) }); n != 0 {
			t.Errorf("%s: CountAfter allocates %v times", row.name, n)
		}
	}
}
