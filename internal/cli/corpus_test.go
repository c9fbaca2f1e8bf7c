package cli

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/foreign/crontab"
	"jobsd/internal/foreign/systemd"
	"jobsd/internal/schedule"
)

var corpus = flag.String("corpus", "", "a directory with unpacked packages; the test imports their crontabs and timers")

// asDefault matches lines that only repeat a default.
var asDefault = regexp.MustCompile(`^(SHELL=/bin/sh|Type=(simple|exec|oneshot)|WantedBy=[a-z-]+\.target|RequiredBy=.*|Unit=.*|KillMode=control-group|` +
	`Restart=no|Persistent=(no|false)|DynamicUser=no|User=root|WakeSystem=(no|false)|AccuracySec=.*)$`)

// tally counts what happened to the lines of a file.
type tally struct{ lines, exact, named, same, lost int }

func (a *tally) add(b tally) {
	a.lines += b.lines
	a.exact += b.exact
	a.named += b.named
	a.same += b.same
	a.lost += b.lost
}

func (a tally) String() string {
	return fmt.Sprintf("%4d lines: %4d exact, %3d named, %3d as without them, %d lost", a.lines, a.exact, a.named, a.same, a.lost)
}

// TestCorpus imports the crontabs and timers of packages. It removes each of their lines, one at a time: a line that changes
// neither the jobs nor the remarks is lost, unless it only repeats a default. So the test does not rely on what the import
// reports.
func TestCorpus(t *testing.T) {
	if *corpus == "" {
		t.Skip("needs packages, as unpacked by dpkg-deb -x into one directory each: -corpus DIR")
	}
	var crontabs, timers tally
	files, units := 0, 0
	err := filepath.WalkDir(*corpus, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || !e.Type().IsRegular():
		case filepath.Base(filepath.Dir(path)) == "cron.d" && cronName.MatchString(e.Name()):
			n := ofCrontab(t, path, crontab.Parse)
			t.Logf("%-45s %s", shortName(path), n)
			crontabs.add(n)
			files++
		case e.Name() == "anacrontab":
			t.Logf("%-45s %s", shortName(path), ofCrontab(t, path, crontab.ParseAnacrontab))
		case filepath.Ext(path) == ".timer" && filepath.Base(filepath.Dir(path)) == "system":
			n := ofTimer(t, path)
			t.Logf("%-45s %s", shortName(path), n)
			timers.add(n)
			units++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%-45s %s", fmt.Sprintf("%d crontabs", files), crontabs)
	t.Logf("%-45s %s", fmt.Sprintf("%d timers", units), timers)
}

func shortName(path string) string {
	rel, _ := filepath.Rel(*corpus, path)
	first, _, _ := strings.Cut(rel, "/")
	return first + "/.../" + filepath.Base(path)
}

// outcome returns everything that an import prints, and the lines that it names.
func outcome(r *foreign.Result) (text string, named map[string]bool) {
	named = map[string]bool{}
	for _, x := range slices.Concat(r.Refused, r.Notes) {
		text += x.String() + "\n"
		named[fmt.Sprint(x.File, ":", x.Line)] = true
	}
	for _, j := range r.Texts() {
		text += string(j)
	}
	return text, named
}

// tallyOf removes each line of a text, one at a time, and checks whether that changes the outcome.
func tallyOf(t *testing.T, path, text string, translate func(text string) *foreign.Result) (n tally) {
	whole, named := outcome(translate(text))
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, at := strings.TrimSpace(lines[i]), i+1
		if line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' && line[len(line)-1] == ']' {
			continue
		}
		without := slices.Clone(lines)
		without[i] = ""
		for strings.HasSuffix(lines[i], `\`) && i+1 < len(lines) {
			i++
			without[i] = ""
		}
		n.lines++
		switch got, _ := outcome(translate(strings.Join(without, "\n"))); {
		case named[fmt.Sprint(path, ":", at)]:
			n.named++
		case len(translate(text).Jobs) == 0:
			n.named++ // the remark about the missing job covers all lines
		case got != whole:
			n.exact++
		case strings.Count(text, line+"\n") > 1, strings.HasPrefix(line, "Description=") && strings.Contains(whole, line[12:]):
			n.same++ // the line is there twice, or also in the other unit
		case asDefault.MatchString(line):
			n.same++
		default:
			n.lost++
			t.Errorf("%s:%d: %s: is lost", path, at, line)
		}
	}
	return n
}

func ofCrontab(t *testing.T, path string, parse func(file, text string, o crontab.Options) *foreign.Result) tally {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	translate := func(text string) *foreign.Result {
		return parse(path, text, crontab.Options{System: true, Now: time.Now(), Local: time.UTC})
	}
	r := translate(string(text))
	for _, x := range r.Refused {
		t.Logf("refused: %s", x)
	}
	for _, j := range r.Jobs {
		fields := strings.Fields(j.Text)
		for _, p := range j.Keys {
			if p.Key == "cron" && !strings.HasPrefix(j.Text, "@") && p.Value != strings.Join(fields[:5], " ") {
				t.Logf("%s:%d: %s became %v", path, j.Line, fields[:5], p.Value)
			}
		}
	}
	return tallyOf(t, path, string(text), translate)
}

func ofTimer(t *testing.T, path string) (n tally) {
	dir, name := filepath.Dir(path), filepath.Base(path)
	name = strings.Replace(name, "@.timer", "@main.timer", 1)
	timer, err := readUnit(name, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	service, err := readUnit(timer.Service(), []string{dir})
	if err != nil {
		t.Logf("%s: %v", path, err)
		return n
	}
	o := systemd.Options{Now: time.Now(), Local: time.UTC}
	r := systemd.Translate(timer, service, o)
	for _, j := range r.Jobs {
		sameTimes(t, timer, r, j)
	}
	for _, u := range []*systemd.Unit{&timer, &service} {
		kept := u.Files[0]
		n.add(tallyOf(t, kept.Path, kept.Text, func(text string) *foreign.Result {
			u.Files[0].Text = text
			return systemd.Translate(timer, service, o)
		}))
		u.Files[0] = kept
	}
	return n
}

// sameTimes compares the times of a job with the events of its timer in systemd-analyze(1), if that is installed.
func sameTimes(t *testing.T, timer systemd.Unit, r *foreign.Result, j foreign.Job) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		return
	}
	var k schedule.Keys
	for _, p := range j.Keys {
		switch v := p.Value.(type) {
		case string:
			if p.Key == "cron" {
				k.Cron = []string{v}
			}
		case []string:
			if p.Key == "cron" {
				k.Cron = v
			}
		}
	}
	if k.Cron == nil || slices.ContainsFunc(r.Refused, func(x foreign.Remark) bool { return strings.HasPrefix(x.Text, "OnCalendar") }) {
		return
	}
	base := time.Date(2027, 2, 20, 12, 0, 0, 0, time.UTC)
	s, errs := schedule.Parse(k, time.UTC, base)
	if errs != nil {
		t.Fatal(errs)
	}
	var theirs []string
	for line := range strings.Lines(timer.Files[0].Text) {
		event, ok := strings.CutPrefix(strings.TrimSpace(line), "OnCalendar=")
		if !ok {
			continue
		}
		cmd := exec.Command("systemd-analyze", "calendar", "--iterations=50", "--base-time=2027-02-20 12:00:00 UTC", strings.TrimSpace(event))
		cmd.Env = []string{"TZ=UTC", "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(event, err)
		}
		for _, m := range regexp.MustCompile(`(\d{4}-\d\d-\d\d) (\d\d:\d\d):00 UTC`).FindAllStringSubmatch(string(out), -1) {
			theirs = append(theirs, m[1]+"T"+m[2])
		}
	}
	slices.Sort(theirs)
	theirs = slices.Compact(theirs)
	for slot, i := base, 0; i < min(50, len(theirs)); i++ {
		slot = s.Next(slot)
		if got := slot.Format("2006-01-02T15:04"); got != theirs[i] {
			t.Errorf("%s: %q is due at %s, its timer at %s", timer.Name, k.Cron, got, theirs[i])
			return
		}
	}
	t.Logf("%s: %d times are those of systemd", timer.Name, min(50, len(theirs)))
}
