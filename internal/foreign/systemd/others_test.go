package systemd

import (
	"testing"
	"time"

	"jobsd/internal/schedule"
)

// normalForms are calendar events from the tests of systemd, each with the form that systemd prints.
var normalForms = [][2]string{
	{"Sat,Thu,Mon-Wed,Sat-Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"}, {"Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"},
	{"Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"}, {"Wed *-1", "Wed *-*-01 00:00:00"},
	{"Wed-Wed,Wed *-1", "Wed *-*-01 00:00:00"}, {"Wed..Wed,Wed *-1", "Wed *-*-01 00:00:00"}, {"Wed, 17:48", "Wed *-*-* 17:48:00"},
	{"Wed-Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"}, {"Wed..Sat,Tue 12-10-15 1:2:3", "Tue..Sat 2012-10-15 01:02:03"},
	{"*-*-7 0:0:0", "*-*-07 00:00:00"}, {"10-15", "*-10-15 00:00:00"}, {"monday *-12-* 17:00", "Mon *-12-* 17:00:00"},
	{"Mon,Fri *-*-3,1,2 *:30:45", "Mon,Fri *-*-01,02,03 *:30:45"}, {"12,14,13,12:20,10,30", "*-*-* 12,13,14:10,20,30:00"},
	{"mon,fri *-1/2-1,3 *:30:45", "Mon,Fri *-01/2-01,03 *:30:45"}, {"03-05 08:05:40", "*-03-05 08:05:40"},
	{"08:05:40", "*-*-* 08:05:40"}, {"05:40", "*-*-* 05:40:00"}, {"Sat,Sun 12-05 08:05:40", "Sat,Sun *-12-05 08:05:40"},
	{"Sat,Sun 08:05:40", "Sat,Sun *-*-* 08:05:40"}, {"2003-03-05 05:40", "2003-03-05 05:40:00"}, {"2003-03-05", "2003-03-05 00:00:00"},
	{"03-05", "*-03-05 00:00:00"}, {"hourly", "*-*-* *:00:00"}, {"daily", "*-*-* 00:00:00"}, {"monthly", "*-*-01 00:00:00"},
	{"weekly", "Mon *-*-* 00:00:00"}, {"minutely", "*-*-* *:*:00"}, {"quarterly", "*-01,04,07,10-01 00:00:00"},
	{"semi-annually", "*-01,07-01 00:00:00"}, {"annually", "*-01-01 00:00:00"}, {"*:2/3", "*-*-* *:02/3:00"},
	{"2015-10-25 01:00:00 uTc", "2015-10-25 01:00:00 UTC"}, {"2016-03-27 03:17:00/0.42", "2016-03-27 03:17:00/0.420000"},
	{"9..11,13:00,30", "*-*-* 09,10,11,13:00,30:00"}, {"1..3-1..3 1..3:1..3", "*-01,02,03-01,02,03 01,02,03:01,02,03:00"},
	{"00:00:1.125..2.125", "*-*-* 00:00:01.125000,02.125000"}, {"00:00:1.0..3.8", "*-*-* 00:00:01,02,03"},
	{"*-*~1 Utc", "*-*~01 00:00:00 UTC"}, {"*-*~05,3 ", "*-*~03,05 00:00:00"}, {"*-*~* 00:00:00", "*-*-* 00:00:00"},
	{"Monday", "Mon *-*-* 00:00:00"}, {"Monday *-*-*", "Mon *-*-* 00:00:00"}, {"*-*-*", "*-*-* 00:00:00"},
}

// nextTimes are the next times that the tests of systemd expect after an instant, in Unix seconds; 0 is never.
var nextTimes = []struct {
	event, zone string
	after, next int64
}{
	{"2016-03-27 03:17:00", "UTC", 0, 1459048620}, {"2016-03-27 03:17:00", "CET", 0, 1459041420}, {"2016-03-27 03:17:00", "EET", 0, 0},
	{"2016-03-27 03:17:00 UTC", "UTC", 0, 1459048620}, {"2016-03-27 03:17:00 UTC", "CET", 0, 1459048620},
	{"2016-03-27 03:17:00 UTC", "EET", 0, 1459048620}, {"2015-11-13 09:11:23.42", "EET", 0, 1447398683},
	{"2015-11-13 09:11:23.42/1.77", "EET", 1447398683, 1447398685}, {"Sun 16:00:00", "CET", 1456041600, 1456066800},
	{"*-04-31", "UTC", 0, 0}, {"2016-02~01 UTC", "UTC", 0, 1456704000}, {"Mon 2017-05~01..07 UTC", "UTC", 0, 1496016000},
	{"Mon 2017-05~07/1 UTC", "UTC", 0, 1496016000},
}

// noEvents are texts that the tests of systemd refuse.
var noEvents = []string{"test", " utc", "    ", "", "7", "121212:1:2", "2000-03-05.23 00:00:00", "2000-03-05 00:00.1:00",
	"00:00:00/0.00000001", "00:00:00.0..00.9", "2016~11-22", "*-*~5/5"}

// event imports a calendar event; nil if it is refused.
func event(t *testing.T, text, zone string, at time.Time) *schedule.Schedule {
	t.Helper()
	cron, own, err := calendar(text)
	if err != nil {
		return nil
	}
	if own != "" {
		zone = own
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil
	}
	s, _ := schedule.Parse(schedule.Keys{Cron: []string{cron}}, loc, at)
	return s
}

// TestOthers imports the calendar events from the tests of systemd. The times are the same, or the event is refused,
// such as those with seconds, years, or days from the end of a month.
func TestOthers(t *testing.T) {
	same, refused, wrong := 0, 0, 0
	base := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, row := range normalForms {
		a, b := event(t, row[0], "UTC", base), event(t, row[1], "UTC", base)
		switch {
		case a == nil || b == nil:
			refused++
		case a.String() != b.String():
			wrong++
			t.Errorf("%q is %s, but %q is %s", row[0], a, row[1], b)
		default:
			same++
		}
	}
	for _, row := range nextTimes {
		after := time.Unix(row.after, 0)
		s := event(t, row.event, row.zone, after)
		if s == nil {
			refused++
			continue
		}
		if got := s.Next(after); got.IsZero() != (row.next == 0) || row.next != 0 && got.Unix() != row.next {
			wrong++
			t.Errorf("%q in %s: got %s, want %s", row.event, row.zone, got, time.Unix(row.next, 0))
			continue
		}
		same++
	}
	for _, text := range noEvents {
		if s := event(t, text, "UTC", base); s != nil {
			wrong++
			t.Errorf("%q is read as %s", text, s)
			continue
		}
		same++
	}
	t.Logf("%d equal, %d refused, %d wrong", same, refused, wrong)
}
