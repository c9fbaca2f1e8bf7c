package schedule

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// go test ./internal/schedule -run Brute -brute 1000000 -v
var (
	bruteQueries = flag.Int("brute", 0, "compare Next with the minute walker on at least `n` queries, with a new seed")
	bruteSeed    = flag.Uint64("seed", 0, "seed for -brute; 0: by the clock")
)

// reader reads an expression as text, item by item, each time it is asked, and keeps the results by date.
type reader struct {
	fields       []string
	wild         bool
	minute, hour [60]bool
	dates        map[int64]bool // keyed by days since 1970-01-01
}

func newReader(expr string) *reader {
	r := &reader{fields: strings.Fields(expr), dates: map[int64]bool{}}
	r.wild = r.fields[0][0] == '*' || r.fields[1][0] == '*'
	for v := range 60 {
		r.minute[v], r.hour[v] = r.has(0, v, 0), r.has(1, v, 0)
	}
	return r
}

// has reports whether a field has the value v. Its smallest value is lo.
func (r *reader) has(field, v, lo int) bool {
	return slices.ContainsFunc(strings.Split(r.fields[field], ","), func(item string) bool {
		values, step, _ := strings.Cut(item, "/")
		a, b, isRange := strings.Cut(values, "-")
		first, last := lo, 99
		if a != "*" {
			var err error
			if first, err = strconv.Atoi(a); err != nil {
				return false // L or #
			}
			if last = first; isRange {
				last, _ = strconv.Atoi(b)
			}
		}
		n := 1
		if step != "" {
			n, _ = strconv.Atoi(step)
		}
		return first <= v && v <= last && (v-first)%n == 0
	})
}

// matches reports whether the expression matches a reading, given in minutes since 1970-01-01 00:00.
func (r *reader) matches(wall int64) bool {
	inDay := (wall%1440 + 1440) % 1440
	if !r.minute[inDay%60] || !r.hour[inDay/60] {
		return false
	}
	key := (wall - inDay) / 1440
	hit, known := r.dates[key]
	if !known {
		hit = r.date(time.Unix(wall*60, 0).UTC())
		r.dates[key] = hit
	}
	return hit
}

func (r *reader) date(t time.Time) bool {
	d, wd := t.Day(), int(t.Weekday())
	week := t.AddDate(0, 0, 7).Month() != t.Month() // the last weekday of its kind in the month
	dom := r.has(2, d, 1) || t.AddDate(0, 0, 1).Day() == 1 && strings.Contains(r.fields[2], "L")
	dow := r.has(4, wd, 0) || wd == 0 && strings.Contains(r.fields[4], "7") && r.has(4, 7, 7)
	dow = dow || r.fields[4] == fmt.Sprintf("%d#%d", wd, (d+6)/7) || week && r.fields[4] == fmt.Sprintf("%d#L", wd)
	date := dom || dow
	if r.fields[2][0] == '*' || r.fields[4][0] == '*' {
		date = dom && dow
	}
	return date && r.has(3, int(t.Month()), 1)
}

// minute is one minute of elapsed time and the reading of the clock then, both in minutes since 1970-01-01 00:00.
type minute struct{ at, wall int64 }

// walk lists all minutes between two instants.
func walk(loc *time.Location, from, to time.Time) (list []minute) {
	for t := from.In(loc); t.Before(to); t = t.Add(time.Minute) {
		y, m, d := t.Date()
		shows := time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, time.UTC)
		list = append(list, minute{inMinutes(t), inMinutes(shows)})
	}
	return list
}

func inMinutes(t time.Time) int64 { return t.Truncate(time.Minute).Unix() / 60 }

// bruteSlots lists the slots of the expression by testing each minute: a wild one at every minute that shows a match, a
// fixed one at the first minute at which the clock has reached or passed a match.
func bruteSlots(r *reader, minutes []minute, out []int64) []int64 {
	latest := minutes[0].wall
	for _, m := range minutes[1:] {
		due := r.wild && r.matches(m.wall)
		for w := latest + 1; !r.wild && !due && w <= m.wall; w++ {
			due = r.matches(w)
		}
		latest = max(latest, m.wall)
		if due {
			out = append(out, m.at)
		}
	}
	return out
}

// randomCron writes an expression. Its matches are frequent, so that a window of weeks contains some.
func randomCron(r *rand.Rand) string {
	value := func(lo, hi int) int { return lo + r.IntN(hi-lo+1) }
	item := func(lo, hi, top int) string {
		switch a, b := value(lo, hi), value(lo, hi); r.IntN(6) {
		case 0:
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 1:
			return fmt.Sprintf("%d-%d/%d", min(a, b), max(a, b), value(1, 12%top+1))
		default:
			return strconv.Itoa(a)
		}
	}
	field := func(lo, hi, top, stars int) string {
		var s []string
		switch n := r.IntN(10); {
		case n < stars:
			return "*"
		case n < stars+2:
			s = append(s, fmt.Sprintf("*/%d", value(1, top)))
		default:
			s = append(s, item(lo, hi, top))
		}
		for r.IntN(3) == 0 {
			s = append(s, item(lo, hi, top))
		}
		return strings.Join(s, ",")
	}
	minute, hour := field(0, 59, 59, 1), field(0, 23, 23, 2)
	if r.IntN(2) == 0 { // the hours at which clocks change
		hour = field(0, 3, 23, 1)
	}
	day, weekday := field(1, 31, 31, 5), field(0, 7, 7, 5)
	if r.IntN(12) == 0 {
		day = []string{"L", "L,1", "15,L"}[r.IntN(3)]
	}
	if r.IntN(12) == 0 {
		weekday = fmt.Sprintf("%d#%s", value(0, 6), []string{"1", "2", "3", "4", "5", "L"}[r.IntN(6)])
	}
	month := "*"
	if r.IntN(8) == 0 {
		month = item(1, 12, 12)
	}
	return strings.Join([]string{minute, hour, day, month, weekday}, " ")
}

// bruteChanges are zones with days on which their clocks did something unusual.
var bruteChanges = []struct{ zone, around string }{
	{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
	{"America/New_York", "2028-12-31"}, {"America/New_York", "2044-12-31"},
	{"Europe/Berlin", "2025-03-30"}, {"Europe/Berlin", "2025-10-26"},
	{"Australia/Lord_Howe", "2025-10-05"}, {"Australia/Lord_Howe", "2025-04-06"},
	{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"},
	{"Pacific/Apia", "2011-12-30"}, {"Pacific/Apia", "2012-04-01"},
	{"Africa/Casablanca", "2024-03-10"}, {"Africa/Casablanca", "2024-04-14"},
	{"Africa/Cairo", "2024-04-26"}, {"Africa/Cairo", "2024-11-01"},
	{"America/Havana", "2024-03-10"}, {"America/Havana", "2024-11-03"},
	{"Antarctica/Troll", "2024-03-31"}, {"Antarctica/Troll", "2024-10-27"},
	{"America/St_Johns", "2010-11-07"}, {"America/St_Johns", "2010-03-14"},
	{"Europe/Dublin", "2025-03-30"}, {"Europe/Dublin", "2025-10-26"},
	{"Asia/Kathmandu", "1985-12-31"}, {"UTC", "2026-01-01"},
	{"Pacific/Kwajalein", "1969-09-30"}, {"Pacific/Kwajalein", "1993-08-21"}, // a day back, a day forward
	{"Antarctica/Casey", "2010-03-05"}, // three hours back
}

// perExpr is the number of bases for each schedule.
const perExpr = 100

// tally counts queries, and those for which Next and the walker disagree.
type tally struct {
	t           *testing.T
	queries, no int
}

func (c *tally) disagree(format string, args ...any) {
	c.t.Helper()
	if c.no++; c.no <= 20 {
		c.t.Errorf(format, args...)
	}
}

// window is a range of days around a clock change.
type window struct {
	loc        *time.Location
	start, end time.Time
	around     time.Time
	minutes    []minute // they begin three days before the start, to know what the clock has shown before
}

func newWindow(loc *time.Location, around time.Time) window {
	w := window{loc: loc, around: around, start: around.AddDate(0, 0, -9), end: around.AddDate(0, 0, 16)}
	w.minutes = walk(loc, w.start.AddDate(0, 0, -3), w.end)
	return w
}

// compare checks Next for random schedules and bases in a window.
func (w *window) compare(c *tally, r *rand.Rand, schedules int) {
	for range schedules {
		lines := []string{randomCron(r)}
		for r.IntN(4) == 0 {
			lines = append(lines, randomCron(r))
		}
		s, errs := Parse(Keys{Cron: lines}, w.loc, w.start)
		if errs != nil {
			if !strings.Contains(errs[0].Error(), "never comes") {
				c.disagree("%q: %v", lines, errs)
			}
			continue
		}
		again, errs := Parse(s.Keys(), w.loc, w.start)
		if errs != nil || again.String() != s.String() {
			c.disagree("%q prints as %s, which reads as %v %v", lines, s, again, errs)
			continue
		}
		slots := w.slots(lines)
		for range perExpr {
			c.queries++
			w.query(c, lines, s, again, slots, w.randomBase(r, slots))
		}
		w.count(c, lines, s, slots)
	}
}

// slots returns the slots of any of the expressions in the window, in minutes.
func (w *window) slots(lines []string) (slots []int64) {
	for _, line := range lines {
		slots = bruteSlots(newReader(line), w.minutes, slots)
	}
	slices.Sort(slots)
	return slices.Compact(slots)
}

// query compares Next after one base, for a schedule and for the schedule that it prints.
func (w *window) query(c *tally, lines []string, s, again *Schedule, slots []int64, base time.Time) {
	i, _ := slices.BinarySearch(slots, inMinutes(base)+1) // slots are whole minutes, so later ones begin at the next minute
	got := s.Next(base)
	switch {
	case !again.Next(base).Equal(got):
		c.disagree("%s %q after %s: %s, but as %s %s", w.loc, lines, base, got, again, again.Next(base))
	case i < len(slots) && !got.Equal(time.Unix(slots[i]*60, 0)):
		c.disagree("%s %q after %s: got %s, want %s", w.loc, lines, base, got, time.Unix(slots[i]*60, 0).In(w.loc))
	case i == len(slots) && !got.IsZero() && got.Before(w.end):
		c.disagree("%s %q after %s: got %s, want none before %s", w.loc, lines, base, got, w.end)
	}
}

// count checks CountAfter for the whole window.
func (w *window) count(c *tally, lines []string, s *Schedule, slots []int64) {
	i, _ := slices.BinarySearch(slots, inMinutes(w.start)+1)
	want := slots[i:]
	n, first, last := s.CountAfter(w.start, w.end.Add(-time.Minute), 1<<30)
	if n != len(want) {
		c.disagree("%s %q from %s: counted %d, want %d", w.loc, lines, w.start, n, len(want))
	} else if n > 0 && (inMinutes(first) != want[0] || inMinutes(last) != want[n-1]) {
		c.disagree("%s %q from %s: counted from %s to %s", w.loc, lines, w.start, first, last)
	}
}

// randomBase returns a base that is usually near the change or at a slot.
func (w *window) randomBase(r *rand.Rand, slots []int64) time.Time {
	switch n := r.IntN(8); {
	case n < 4:
		return w.around.Add(time.Duration(r.Int64N(int64(60*time.Hour))) - 30*time.Hour)
	case n < 6 && len(slots) > 0:
		at := time.Unix(slots[r.IntN(len(slots))]*60, 0)
		if near := at.Add(time.Duration(r.IntN(3)-1) * time.Second); !near.Before(w.start) {
			return near
		}
	}
	return w.start.Add(time.Duration(r.Int64N(int64(w.end.Sub(w.start)))))
}

// windows returns those of bruteChanges, and the same number around changes of random zones.
func windows(t *testing.T, r *rand.Rand, z zoneSource) (list []window) {
	for _, c := range bruteChanges {
		around, err := time.Parse(time.DateOnly, c.around)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, newWindow(z.load(t, c.zone), around), randomWindow(t, r, z))
	}
	return list
}

func randomWindow(t *testing.T, r *rand.Rand, z zoneSource) window {
	loc := z.load(t, z.names[r.IntN(len(z.names))])
	around := time.Date(1973+r.IntN(70), 1, r.IntN(365), 0, 0, 0, 0, loc)
	if _, end := around.ZoneBounds(); end.After(around) {
		around = end
	}
	return newWindow(loc, around.Truncate(time.Minute))
}

// TestBrute compares Next and CountAfter with a walker over minutes, which shares only the rules with them, for both
// kinds of zone data.
func TestBrute(t *testing.T) {
	seed, target := uint64(20261123), 60_000
	if *bruteQueries > 0 {
		target, seed = *bruteQueries, *bruteSeed
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
	}
	if raceDetector && *bruteQueries == 0 {
		target = 1
	}
	kinds := zoneData(t)
	queries, no := 0, 0
	for i, z := range kinds {
		t.Run(z.name, func(t *testing.T) {
			c := tally{t: t}
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			list := windows(t, r, z)
			for each := target / len(kinds) / len(list) / perExpr; c.queries < target/len(kinds); {
				for i := range list {
					list[i].compare(&c, r, max(each, 1))
				}
			}
			queries, no = queries+c.queries, no+c.no
		})
	}
	t.Logf("seed %d: %d queries, %d disagreements", seed, queries, no)
}
