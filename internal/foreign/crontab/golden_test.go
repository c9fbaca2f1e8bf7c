package crontab

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/schedule"
)

// differences are all differences between real crons with the entries of testdata/all.crontab and the jobs made from
// them. An instant with + is only in jobsd, with - only in cron, and with 1 once in jobsd and several times in cron.
// All of them are at clock changes, in UTC: Berlin changes on 28 March 2027 at 01:00 and on 31 October at 01:00, New
// York on 14 March 2027 at 07:00 and on 7 November at 06:00.
var differences = []struct {
	entries, instants string
	why               string
}{
	{"thrice-in-the-gap ranges star-in-a-list", "1 2027-03-28T01:00Z 1 2027-03-14T07:00Z",
		"times that the clock skips are due at the end of the gap as one run; cron starts a run for each"},
	{"step-above-the-field-in-the-gap", "+ 2027-03-28T01:00Z + 2027-03-14T07:00Z",
		"*/70 became 0, a fixed time that is due at the end of the gap; to cron the star makes it wild, and it skips the time"},
	{"step-above-the-field-in-the-gap", "- 2027-10-31T01:00Z",
		"for the same reason jobsd runs it the first time that the clock shows it, and cron each time"},
	{"gap-elsewhere", "+ 2027-03-14T07:00Z",
		"a fixed time is due at the end of the gap in each zone; cronie handles only changes of the daemon's zone"},
	{"overlap-elsewhere", "- 2027-11-07T06:30Z",
		"a fixed time is due once in each zone; cronie handles only changes of the daemon's zone"},
}

// debianLacks are the entries that Debian's cron refuses, or reads without an extension of cronie.
var debianLacks = strings.Fields("not-in-the-log picked picked-twice morning-in-tokyo gap-elsewhere overlap-elsewhere wild-elsewhere")

func TestRunsAsCron(t *testing.T) {
	text, err := os.ReadFile("testdata/all.crontab")
	if err != nil {
		t.Fatal(err)
	}
	r := Parse("all.crontab", string(text), Options{Now: now})
	if len(r.Jobs) < 40 || r.Refused != nil {
		t.Fatalf("%d jobs, refused: %v", len(r.Jobs), r.Refused)
	}
	seen := map[string]bool{}
	for _, file := range []string{"testdata/cronie.golden", "testdata/debian.golden"} {
		answers := readGolden(t, file)
		for _, j := range r.Jobs {
			words := strings.Fields(j.Text)
			name := words[len(words)-1]
			if strings.HasPrefix(file, "testdata/debian") && slices.Contains(debianLacks, name) {
				continue
			}
			compared := 0
			for _, a := range answers {
				if a.line != j.Line {
					continue
				}
				compared++
				for _, d := range a.differ(t, j) {
					if !explained(name, d, seen) {
						t.Errorf("%s: %s: %s\nfrom %s in %s on cron runs it at %v;\ndiffers: %s", file, j.Text, j.Keys, a.base, a.zone, a.runs, d)
					}
				}
			}
			if compared < 14 {
				t.Errorf("%s: only %d answers for %s", file, compared, j.Text)
			}
		}
	}
	for _, d := range differences {
		for _, entry := range strings.Fields(d.entries) {
			if !seen[entry+d.why] {
				t.Errorf("%s: this difference no longer exists: %s", entry, d.why)
			}
		}
	}
}

func explained(entry, instant string, seen map[string]bool) bool {
	for _, d := range differences {
		if slices.Contains(strings.Fields(d.entries), entry) && strings.Contains(d.instants, instant) {
			seen[entry+d.why] = true
			return true
		}
	}
	return false
}

// answer has the instants at which a real cron runs an entry: see testdata/golden.py.
type answer struct {
	zone string
	base time.Time
	line int
	runs []string
}

const minute = "2006-01-02T15:04Z"

func readGolden(t *testing.T, file string) (all []answer) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, runs, _ := strings.Cut(line, ": ")
		k := strings.Fields(key)
		base, err := time.Parse(time.RFC3339, k[1])
		number, err2 := strconv.Atoi(k[2])
		if err != nil || err2 != nil {
			t.Fatalf("%s: %q: %v, %v", file, line, err, err2)
		}
		all = append(all, answer{k[0], base, number, strings.Fields(runs)})
	}
	return all
}

// differ lists the instants that only one of the job and cron has, up to the last that both cover.
func (a answer) differ(t *testing.T, j foreign.Job) (list []string) {
	var k schedule.Keys
	for _, p := range j.Keys {
		switch p.Key {
		case "cron":
			k.Cron = []string{p.Value.(string)}
		case "timezone":
			zone := p.Value.(string)
			k.Timezone = &zone
		}
	}
	local, err := time.LoadLocation(a.zone)
	if err != nil {
		t.Fatal(err)
	}
	s, errs := schedule.Parse(k, local, a.base)
	if errs != nil {
		t.Fatalf("%s: %v", j.Text, errs)
	}
	theirs, ours := map[string]int{}, map[string]int{}
	for _, run := range a.runs {
		theirs[run]++
	}
	end := ""
	for slot := s.Next(a.base); len(ours) < max(1, len(a.runs)) && !slot.IsZero(); slot = s.Next(slot) {
		end = slot.UTC().Format(minute)
		ours[end]++
	}
	if a.runs == nil && ours[end] == 0 {
		return nil // neither ever runs
	}
	for _, run := range a.runs {
		if ours[run] == 0 && run < end {
			list = append(list, "- "+run)
		} else if ours[run] == 1 && theirs[run] > 1 {
			list = append(list, "1 "+run)
		}
	}
	if a.runs == nil {
		return append(list, "+ "+end)
	}
	for run := range ours {
		if theirs[run] == 0 && run <= a.runs[len(a.runs)-1] {
			list = append(list, "+ "+run)
		}
	}
	return list
}
