package schedule

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// foreign reads an expression with the rules of another cron and tests each minute. It shares no code with Parse.
type foreign struct {
	fields []string // minute, hour, day, month, weekday
	sunday int      // the number of Sunday
	both   bool     // a date must match both day and weekday
}

var foreignNames = []string{3: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 4: "SUN MON TUE WED THU FRI SAT"}

// number reads a value of a field; weekdays count from 0, which is Sunday.
func (f *foreign) number(field int, s string) int {
	if n, err := strconv.Atoi(s); err == nil {
		if field == 4 {
			return n - f.sunday
		}
		return n
	}
	i := strings.Index(foreignNames[field], strings.ToUpper(s)) / 4
	if field == 3 {
		i++
	}
	return i
}

// has reports whether a field has the value v. Its values go from lo to hi, and ranges may wrap around.
func (f *foreign) has(field, v, lo, hi int) bool {
	size := hi - lo + 1
	return slices.ContainsFunc(strings.Split(f.fields[field], ","), func(item string) bool {
		values, step, stepped := strings.Cut(item, "/")
		n, from, to := 1, lo, hi
		if stepped {
			n, _ = strconv.Atoi(step)
		}
		if values != "*" && values != "?" {
			a, b, isRange := strings.Cut(values, "-")
			from = f.number(field, a)
			switch {
			case isRange:
				to = f.number(field, b)
			case !stepped:
				to = from
			}
			if to < from {
				to += size
			}
		}
		for ; from <= to; from += n {
			if (from-lo)%size+lo == v {
				return true
			}
		}
		return false
	})
}

func (f *foreign) date(t time.Time) bool {
	last := t.AddDate(0, 0, 1).Month() != t.Month()
	dom := f.has2(2, t.Day(), 1, 31, func(item string) (hit, known bool) { return last, item == "L" })
	dow := f.has2(4, int(t.Weekday()), 0, 6, func(item string) (hit, known bool) {
		if day, nth, ok := strings.Cut(item, "#"); ok {
			n, _ := strconv.Atoi(nth)
			return f.number(4, day) == int(t.Weekday()) && (t.Day()+6)/7 == n, true
		}
		if item == "L" {
			return t.Weekday() == time.Saturday, true
		}
		day, ok := strings.CutSuffix(item, "L")
		return ok && f.number(4, day)%7 == int(t.Weekday()) && t.AddDate(0, 0, 7).Month() != t.Month(), ok
	})
	date := dom && dow
	if !f.both && !strings.ContainsAny(f.fields[2][:1]+f.fields[4][:1], "*?") {
		date = dom || dow
	}
	return date && f.has(3, int(t.Month()), 1, 12)
}

// has2 is has for fields with special items, which special recognises.
func (f *foreign) has2(field, v, lo, hi int, special func(item string) (hit, known bool)) bool {
	whole := f.fields[field]
	defer func() { f.fields[field] = whole }()
	return slices.ContainsFunc(strings.Split(whole, ","), func(item string) bool {
		if hit, known := special(item); known {
			return hit
		}
		f.fields[field] = item
		return f.has(field, v, lo, hi)
	})
}

// slots lists the minutes in [from, to), whole days in UTC, at which the expression is due.
func (f *foreign) slots(from, to time.Time) (list []int64) {
	var minutes, hours []int
	for v := range 60 {
		if f.has(0, v, 0, 59) {
			minutes = append(minutes, v)
		}
	}
	for v := range 24 {
		if f.has(1, v, 0, 23) {
			hours = append(hours, v)
		}
	}
	for t := from; t.Before(to); t = t.AddDate(0, 0, 1) {
		if !f.date(t) {
			continue
		}
		for _, h := range hours {
			for _, m := range minutes {
				list = append(list, t.Unix()+int64(h*3600+m*60))
			}
		}
	}
	return list
}

var (
	adviceFrom = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	adviceTo   = time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
)

// sameSlots compares the slots of the advice with those of the original.
func sameSlots(t *testing.T, original, advice string, f foreign) {
	t.Helper()
	s, errs := Parse(cronKeys(advice), time.UTC, adviceFrom)
	if errs != nil {
		t.Errorf("%q: the advice %q is refused: %v", original, advice, errs)
		return
	}
	want := f.slots(adviceFrom, adviceTo)
	got := make([]int64, 0, len(want))
	for u := s.Next(adviceFrom.Add(-time.Second)); u.Before(adviceTo) && !u.IsZero(); u = s.Next(u) {
		got = append(got, u.Unix())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: by the advice %q it is due %d times, by its own meaning %d times, as from %v and %v",
			original, advice, len(got), len(want), head(got), head(want))
	}
}

func head(list []int64) (times []string) {
	for _, u := range list[:min(len(list), 3)] {
		times = append(times, time.Unix(u, 0).UTC().Format("2006-01-02 15:04"))
	}
	return times
}

var advised = regexp.MustCompile(`(?:use |or |duration |, )"([^"]*)"`)

func quoted(fix string) (list []string) {
	for _, m := range advised.FindAllStringSubmatch(fix, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestAdviceForLongExpressions has expressions of Quartz, Spring and the scheduler of AWS, with the advice for each.
// For every meaning of the original, some advice must have the same slots.
func TestAdviceForLongExpressions(t *testing.T) {
	for _, row := range []struct {
		expression string
		skip       int // number of fields before the minute
		sundays    []int
		advice     []string
	}{
		{"0 0 12 * * ?", 1, []int{1}, []string{"0 12 * * *"}},
		{"0 15 10 ? * *", 1, []int{1}, []string{"15 10 * * *"}},
		{"0 15 10 * * ? *", 1, []int{1}, []string{"15 10 * * *"}},
		{"0 * 14 * * ?", 1, []int{1}, []string{"* 14 * * *"}},
		{"0 0/5 14 * * ?", 1, []int{1}, []string{"0-59/5 14 * * *"}},
		{"0 0/5 14,18 * * ?", 1, []int{1}, []string{"0-59/5 14,18 * * *"}},
		{"0 10,44 14 ? 3 WED", 1, []int{1}, []string{"10,44 14 * 3 WED"}},
		{"0 15 10 ? * MON-FRI", 1, []int{1}, []string{"15 10 * * MON-FRI"}},
		{"0 15 10 L * ?", 1, []int{1}, []string{"15 10 L * *"}},
		{"0 15 10 ? * 6L", 1, []int{1, 0}, []string{"15 10 * * fri#L", "15 10 * * 6#L"}},
		{"0 15 10 ? * FRIL", 1, []int{1}, []string{"15 10 * * FRI#L"}},
		{"0 15 10 ? * L", 1, []int{1}, []string{"15 10 * * sat"}},
		{"0 15 10 ? * 6#3", 1, []int{1, 0}, []string{"15 10 * * fri#3", "15 10 * * 6#3"}},
		{"0 0 12 1/5 * ?", 1, []int{1}, []string{"0 12 1-31/5 * *"}},
		{"0 11 11 11 11 ?", 1, []int{1}, []string{"11 11 11 11 *"}},
		{"0 0 9 ? * 2-6", 1, []int{1, 0}, []string{"0 9 * * mon-fri", "0 9 * * 2-6"}},
		{"0 0 9 ? * 6-2", 1, []int{1, 0}, []string{"0 9 * * fri-sat,sun-mon", "0 9 * * 6,0-2"}},
		{"0 0 9 ? * 2/2", 1, []int{1, 0}, []string{"0 9 * * mon-sat/2", "0 9 * * 2-6/2"}},
		{"0 0 9 ? * SAT-SUN", 1, []int{1}, []string{"0 9 * * SAT,sun"}},
		{"0 0 9 ? * 1,7", 1, []int{1, 0}, []string{"0 9 * * sun,sat", "0 9 * * 1,7"}},
		{"0 0 9 ? * 0", 1, []int{0}, []string{"0 9 * * 0"}},
		{"0 0 22-4/2 * * ?", 1, []int{1}, []string{"0 22-23/2,0-4/2 * * *"}},
		{"0 0 12 ? JAN,JUN *", 1, []int{1}, []string{"0 12 * JAN,JUN *"}},

		{"0 0 * * * *", 1, []int{0}, []string{"0 * * * *"}},
		{"0 0/30 8-10 * * *", 1, []int{0}, []string{"0-59/30 8-10 * * *"}},
		{"0 0 9-17 * * MON-FRI", 1, []int{0}, []string{"0 9-17 * * MON-FRI"}},
		{"0 0 0 L * *", 1, []int{0}, []string{"0 0 L * *"}},
		{"0 0 0 * * THUL", 1, []int{0}, []string{"0 0 * * THU#L"}},
		{"0 0 0 * * 4L", 1, []int{0}, []string{"0 0 * * 4#L"}},
		{"0 0 0 ? * 5#2", 1, []int{1, 0}, []string{"0 0 * * thu#2", "0 0 * * 5#2"}},
		{"0 0 6 * * 1-5", 1, []int{0}, []string{"0 6 * * 1-5"}},
		{"0 30 4 1,15 * *", 1, []int{0}, []string{"30 4 1,15 * *"}},

		{"0 10 * * ? *", 0, []int{1}, []string{"0 10 * * *"}},
		{"15 12 * * ? *", 0, []int{1}, []string{"15 12 * * *"}},
		{"0 18 ? * MON-FRI *", 0, []int{1}, []string{"0 18 * * MON-FRI"}},
		{"0 8 1 * ? *", 0, []int{1}, []string{"0 8 1 * *"}},
		{"0/10 * ? * MON-FRI *", 0, []int{1}, []string{"0-59/10 * * * MON-FRI"}},
		{"0 18 ? * 2#1 *", 0, []int{1}, []string{"0 18 * * mon#1"}},
	} {
		_, errs := Parse(cronKeys(row.expression), time.UTC, adviceFrom)
		if len(errs) != 1 {
			t.Errorf("%q: %v", row.expression, errs)
			continue
		}
		advice := quoted(errs[0].Fix)
		if !slices.Equal(advice, row.advice) {
			t.Errorf("%q: the advice is %q, want %q", row.expression, errs[0].Fix, row.advice)
			continue
		}
		for i, sunday := range row.sundays {
			fields := strings.Fields(row.expression)[row.skip:]
			sameSlots(t, row.expression, advice[i], foreign{fields[:5], sunday, true})
		}
	}
}

// TestAdviceForWrappedRanges tries random ranges that are backwards, in every field, with and without steps.
func TestAdviceForWrappedRanges(t *testing.T) {
	const seed = 20261129
	r := rand.New(rand.NewPCG(seed, 0))
	for range 400 {
		i := r.IntN(5)
		f := &fields[i]
		a := f.min + 1 + r.IntN(f.max-f.min)
		b := f.min + r.IntN(a-f.min)
		write := strconv.Itoa
		if f.names != "" && a <= f.top() && r.IntN(2) == 0 {
			write = f.text
		}
		item := write(a) + "-" + write(b)
		if r.IntN(3) > 0 {
			item += "/" + strconv.Itoa(1+r.IntN(f.max))
		}
		words := strings.Fields("0 0 * * *")
		words[i] = item
		original := strings.Join(words, " ")
		_, errs := Parse(cronKeys(original), time.UTC, adviceFrom)
		if len(errs) != 1 || len(quoted(errs[0].Fix)) != 1 {
			t.Errorf("seed %d: %q: %v", seed, original, errs)
			continue
		}
		f1 := foreign{slices.Clone(words), 0, false}
		words[i] = quoted(errs[0].Fix)[0]
		sameSlots(t, fmt.Sprintf("%s (seed %d)", original, seed), strings.Join(words, " "), f1)
	}
}

// TestAdviceIsAccepted replaces each refused text by its advice, which must be accepted.
func TestAdviceIsAccepted(t *testing.T) {
	inPlace := regexp.MustCompile(`^(minute|hour|day|month|weekday) "([^"]*)"(?:: "([^"]*)")?`)
	for _, row := range refusals {
		if row.value == "60 24 32 13 8" || strings.Contains(row.value, "H H") {
			continue // the value has several mistakes
		}
		for _, advice := range quoted(row.fix) {
			key, value := row.key, advice
			if m := inPlace.FindStringSubmatch(row.reason); m != nil && key == "cron" {
				value = strings.Replace(row.value, m[2], advice, 1)
				if m[3] != "" {
					value = strings.Replace(row.value, m[3], advice, 1)
				}
			}
			if strings.Contains(row.fix, "every with the duration") {
				key = "every"
			}
			if _, errs := Parse(keysOf(key, value), time.UTC, now); errs != nil {
				t.Errorf("%s %q: the advice %q is refused: %v", key, row.value, value, errs)
			}
		}
		for _, key := range []string{"every", "start_at"} {
			_, value, ok := strings.Cut(row.fix, key+` = "`)
			value, _, _ = strings.Cut(value, `"`)
			if _, errs := Parse(keysOf(key, value), time.UTC, now); ok && errs != nil {
				t.Errorf("%s %q: the advice %s = %q is refused: %v", row.key, row.value, key, value, errs)
			}
		}
	}
}
