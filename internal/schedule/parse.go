package schedule

import "time"

// Keys are the keys of a job file that make its schedule: their values as written, integers in decimal. A missing key
// is nil. An empty array or an empty string is a mistake.
type Keys struct {
	StartAt, Days, Cron       []string
	Every, From, At, Timezone *string
}

// The longest and the shortest interval of `every`.
const (
	minEvery = time.Second
	maxEvery = 3650 * 24 * time.Hour
)

// Parse compiles the keys of one job. It returns all mistakes at once; with any mistake the schedule is nil.
//
// local is the zone for "local" and for a missing timezone; nil is UTC. Parse uses now to refuse dates that never come.
// An `at` in the past is not a mistake: its Next is zero. Parse loads the zone each time; for many jobs, see
// [Zones.Parse].
func Parse(k Keys, local *time.Location, now time.Time) (*Schedule, []*Error) {
	return new(Zones).Parse(k, local, now)
}

// Parse is [Parse] with zones that are loaded once.
func (z *Zones) Parse(k Keys, local *time.Location, now time.Time) (*Schedule, []*Error) {
	if local == nil {
		local = time.UTC
	}
	p := parser{s: Schedule{loc: local, local: true}, now: now}
	p.timezone(k.Timezone, z)
	p.exclusive(k)
	p.startAt(k)
	p.cron(k.Cron)
	p.every(k.Every)
	p.from(k)
	p.at(k.At)
	if p.errs != nil {
		return nil, p.errs
	}
	s := p.s
	return &s, nil
}

// parser fills one schedule and collects the mistakes in its keys.
type parser struct {
	s    Schedule
	now  time.Time
	errs []*Error
}

// fail adds a mistake with its position.
func (p *parser) fail(key string, index int, value string, err *Error) {
	err.Key, err.Index, err.Value = key, index, value
	p.errs = append(p.errs, err)
}

// exclusive sets the kind of the schedule and refuses more than one.
func (p *parser) exclusive(k Keys) {
	first := ""
	for _, key := range []struct {
		name string
		here bool
		kind Kind
	}{
		{"start_at", k.StartAt != nil, Clock},
		{"every", k.Every != nil, Every},
		{"cron", k.Cron != nil, Clock},
		{"at", k.At != nil, At},
	} {
		switch {
		case !key.here:
		case first == "":
			first, p.s.kind = key.name, key.kind
		default:
			fix := "keep one of them, or make two jobs"
			if first == "start_at" && key.name == "every" && wholeDays(*k.Every) {
				fix = useFrom(first)
			}
			p.fail(key.name, 0, "", wrong(fix, "%s and %s exclude each other", first, key.name))
		}
	}
	if k.Days != nil && k.StartAt == nil {
		fix := "add start_at, or remove days"
		switch {
		case k.Cron != nil:
			fix = "use the day fields of cron"
		case k.Every != nil && wholeDays(*k.Every):
			fix = useFrom("days")
		}
		p.fail("days", 0, "", wrong(fix, "days needs start_at"))
	}
}

// useFrom is the advice for a job that resembles "every other Tuesday at 9".
func useFrom(instead string) string {
	return "remove " + instead + `, and set the first run with from = "2026-01-06 09:00"`
}

// wholeDays reports whether an interval is a number of whole days.
func wholeDays(every string) bool {
	d, err := ParseDuration(every)
	return err == nil && d > 0 && d%(24*time.Hour) == 0
}

// set sets the specs of the schedule.
func (p *parser) set(specs []spec) {
	p.s.specs = union(specs)
	for _, s := range p.s.specs {
		if !s.wild {
			p.s.fixed++
		}
	}
}

func (p *parser) startAt(k Keys) {
	var times []spec
	if k.StartAt != nil && len(k.StartAt) == 0 {
		fix := `add a time of day such as "4:35am", or remove the key`
		p.fail("start_at", 0, "", wrong(fix, "an empty list is never due"))
	}
	for i, text := range k.StartAt {
		hour, minute, err := parseTime(text)
		if err != nil {
			p.fail("start_at", i, text, err)
			continue
		}
		times = append(times, spec{minutes: 1 << minute, hours: 1 << hour})
	}
	date := p.days(k.Days)
	for i := range times {
		minutes, hours := times[i].minutes, times[i].hours
		times[i] = date
		times[i].minutes, times[i].hours = minutes, hours
	}
	if len(times) > 0 {
		p.set(times)
	}
}

// days returns a spec with the dates of days, without a time of day.
func (p *parser) days(days []string) spec {
	s := spec{days: allDays, weekdays: allWeekdays, months: allMonths, both: true}
	if days == nil {
		return s
	}
	if len(days) == 0 {
		p.fail("days", 0, "", wrong("add a day, or remove the key for every day", "an empty list is never due"))
	}
	var of spec
	for i, text := range days {
		if err := of.addDay(text); err != nil {
			p.fail("days", i, text, err)
		}
	}
	if of.days != 0 {
		s.days = of.days
	}
	if of.weekdays != 0 {
		s.weekdays = of.weekdays
	}
	s.both = of.days == 0 || of.weekdays == 0
	return s.normal()
}

func (p *parser) cron(lines []string) {
	if lines != nil && len(lines) == 0 {
		p.fail("cron", 0, "", wrong("add an expression, or remove the key", "an empty list is never due"))
	}
	var specs []spec
	for i, line := range lines {
		s, errs := parseCron(line)
		if errs == nil {
			errs = p.comes(line, s)
		}
		for _, err := range errs {
			p.fail("cron", i, line, err)
		}
		specs = append(specs, s)
	}
	if lines != nil {
		p.set(specs)
	}
}

// comes refuses an expression that is never due from now on.
func (p *parser) comes(line string, s spec) []*Error {
	specs := []spec{s}
	u := unix(p.now)
	if nextWall(specs, u, limit(u)) == never {
		return []*Error{wrong("check the day and month fields", "%s never comes: there is no such date", quote(line))}
	}
	if s.wild && nextWild(specs, u, p.s.loc) == never {
		return []*Error{wrong("write the hour and minute as numbers: then it is due at the end of the gap",
			"%s never comes: the clock of %s always skips that time", quote(line), p.s.zone())}
	}
	return nil
}

func (p *parser) every(text *string) {
	if text == nil {
		return
	}
	d, err := parseDuration(*text)
	switch {
	case err != nil:
	case d < minEvery:
		err = wrong(use(FormatDuration(minEvery)), "%s is less than 1s", quote(*text))
	case d > maxEvery:
		err = wrong(use(FormatDuration(maxEvery)), "%s is more than 3650d", quote(*text))
	}
	if err != nil {
		p.fail("every", 0, *text, err)
		return
	}
	p.s.n = int64(d)
}

func (p *parser) at(text *string) {
	if text == nil {
		return
	}
	u, wall, err := parseAt(*text, p.s.loc)
	if err != nil {
		p.fail("at", 0, *text, err)
		return
	}
	p.s.n, p.s.wall = u, wall
}

func (p *parser) timezone(name *string, z *Zones) {
	if name == nil || *name == "local" {
		return
	}
	loc, err := z.load(*name)
	if err != nil {
		p.fail("timezone", 0, *name, err)
		return
	}
	p.s.loc, p.s.local = loc, false
}
