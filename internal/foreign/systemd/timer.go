package systemd

import (
	"slices"
	"strings"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// Options are what a translation depends on beside the texts.
type Options struct {
	User  bool           // units of a user's own manager
	Now   time.Time      // to refuse dates that never come
	Local *time.Location // of events without a zone; nil: UTC
}

// Translate makes a job of a timer and its service, if there is a time and a command that can be carried over.
func Translate(timer, service Unit, o Options) *foreign.Result {
	t := &translator{Options: o, timer: timer, keys: map[string]any{}}
	t.each(timer, "Timer", timerKeys)
	t.each(service, "Service", serviceKeys)
	t.complete()
	if t.keys["cmd"] == nil && t.keys["shell"] == nil {
		t.result.Refuse(place(service), "there is no command that can be carried over, so no job was made")
		return &t.result
	}
	if t.keys["cron"] == nil && t.keys["every"] == nil && t.keys["at_boot"] == nil {
		t.result.Refuse(place(timer), "there is no time that can be carried over, so no job was made")
		return &t.result
	}
	job := foreign.Job{Place: place(timer), Name: foreign.NameOf(strings.TrimSuffix(timer.Name, ".timer"), "timer")}
	for _, key := range order {
		if v, ok := t.keys[key]; ok {
			job.Keys = append(job.Keys, jobfile.Pair{Key: key, Value: v})
		}
	}
	t.result.Jobs = []foreign.Job{job}
	return &t.result
}

// order is that of the keys in the job file.
var order = []string{
	"description", "cmd", "shell", "success_codes", "cron", "every", "at_boot", "timezone", "jitter", "catch_up", "timeout",
	"stop_signal", "stop_timeout", "leftovers", "user", "group", "dir", "umask", "nice", "env_file", "pass_env", "env", "limits",
	"log",
}

func place(u Unit) foreign.Place {
	if len(u.Files) == 0 {
		return foreign.Place{File: u.Name, Line: 1, Text: u.Name}
	}
	return foreign.Place{File: u.Files[0].Path, Line: 1, Text: u.Name}
}

// translator collects the keys of the job.
type translator struct {
	Options
	timer      Unit
	keys       map[string]any
	persistent bool
	oneshot    bool
	asRoot     bool    // the command has a "+"
	user       setting // the line that names one
	nowhere    []setting
	result     foreign.Result
}

// handler carries a key over: it gets all its settings, of which there is at least one. Where only one can count, that
// is the last.
type handler func(t *translator, all []setting)

// each goes through the settings of a unit.
func (t *translator) each(u Unit, own string, handlers map[string]handler) {
	keys, byKey := u.settings(&t.result)
	if all := byKey["Service.Type"]; len(all) > 0 { // what a timeout means depends on it
		t.oneshot = all[len(all)-1].value == "oneshot"
	}
	for _, key := range keys {
		all := byKey[key]
		if len(all) == 0 {
			continue
		}
		section, name, _ := strings.Cut(key, ".")
		handle := handlers[name]
		if section == "Unit" {
			handle = unitKeys[name]
		}
		switch {
		case section == "Install":
		case handle != nil && (section == own || section == "Unit"):
			handle(t, all)
		default:
			for _, s := range all {
				t.refuse(s, "jobsd has no key for it")
			}
		}
	}
}

func (t *translator) refuse(s setting, format string, args ...any) {
	t.result.Refuse(s.Place, format, args...)
}

func (t *translator) note(s setting, format string, args ...any) {
	t.result.Note(s.Place, format, args...)
}

func last(all []setting) setting { return all[len(all)-1] }

// single makes a handler of one that looks at the setting that counts.
func single(do func(t *translator, s setting)) handler {
	return func(t *translator, all []setting) { do(t, last(all)) }
}

// without is a handler for what means nothing here, for that reason.
func without(why string) handler {
	return func(t *translator, all []setting) {
		for _, s := range all {
			t.note(s, "%s", why)
		}
	}
}

// only is a handler for what goes over in one of its values and has no counterpart in the others.
func only(values ...string) handler {
	return single(func(t *translator, s setting) {
		if !slices.Contains(values, strings.ToLower(s.value)) {
			t.refuse(s, "jobsd has no key for it")
		}
	})
}

// plain copies a value to a key.
func plain(key string) handler {
	return single(func(t *translator, s setting) {
		v, err := literal(s.value)
		if err != nil {
			t.refuse(s, "%v", err)
			return
		}
		t.keys[key] = v
	})
}

// timed copies a time span to a key; one without an end, or none, is left out.
func timed(key string) handler {
	return single(func(t *translator, s setting) {
		switch d, ok := span(s.value); {
		case !ok:
			t.refuse(s, "%q is not a time span", s.value)
		case d > longest:
			t.refuse(s, "job files know no more than 3650d")
		case d > 0:
			t.keys[key] = foreign.Duration(d)
		}
	})
}

// longest is the longest duration of a job file.
const longest = 3650 * 24 * time.Hour

var unitKeys = map[string]handler{
	"Description":   plain("description"), // that of the service, which comes later, counts
	"Documentation": without("is for people, and job files have comments"),
	"After":         without("jobsd starts jobs in no order of units"),
	"Before":        without("jobsd starts jobs in no order of units"),
}

var timerKeys = map[string]handler{
	"OnCalendar":   (*translator).onCalendar,
	"OnBootSec":    single((*translator).onBoot),
	"OnStartupSec": single((*translator).onBoot),
	"OnUnitActiveSec": single(func(t *translator, s setting) {
		switch d, ok := span(s.value); {
		case !ok || d < time.Second || d > longest:
			t.refuse(s, "%q is not an interval from a second to 3650d", s.value)
		case t.keys["cron"] != nil:
			t.refuse(s, "a job has either times or an interval; make a second one")
		default:
			t.keys["every"] = foreign.Duration(d)
			t.note(s, "every counts from when the job was last due, and first from when jobsd first loads it")
		}
	}),
	"Persistent": single(func(t *translator, s setting) { t.persistent = truth(s.value) }),
	"RandomizedDelaySec": func(t *translator, all []setting) {
		timed("jitter")(t, all)
		t.note(last(all), "jitter is the same for the job at each of its times")
	},
	"FixedRandomDelay":  without("jitter is always fixed"),
	"AccuracySec":       without("jobsd starts jobs on time"),
	"RemainAfterElapse": without("a job remains"),
	"Unit":              func(*translator, []setting) {}, // says which service was read
	"WakeSystem":        only("no", "false", "off", "0"),
}

func truth(s string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1", "y", "t"}, strings.ToLower(s))
}

// onCalendar makes one list of all events that share a time zone.
func (t *translator) onCalendar(all []setting) {
	var crons []string
	zone := ""
	for _, s := range all {
		cron, z, err := calendar(s.value)
		switch {
		case err != nil:
			t.refuse(s, "%v", err)
			continue
		case crons != nil && z != zone:
			t.refuse(s, "a job has one time zone; make a second one")
			continue
		}
		k := schedule.Keys{Cron: []string{cron}}
		if z != "" {
			k.Timezone = &z
		}
		if _, errs := schedule.Parse(k, t.Local, t.Now); errs != nil {
			t.refuse(s, "%v", errs[0])
			continue
		}
		crons, zone = append(crons, cron), z
	}
	switch {
	case crons == nil:
		return
	case t.keys["every"] != nil:
		t.refuse(all[0], "a job has either times or an interval; make a second one")
		return
	case len(crons) == 1:
		t.keys["cron"] = crons[0]
	default:
		t.keys["cron"] = crons
	}
	if zone != "" {
		t.keys["timezone"] = zone
	}
	t.result.Note(foreign.Place{}, "a time of day that the clocks skip is due when they have changed; systemd passes it over")
}

func (t *translator) onBoot(s setting) {
	if d, ok := span(s.value); !ok || d != 0 {
		t.refuse(s, "at_boot knows no delay; at_boot = true would start it at once")
		return
	}
	t.keys["at_boot"] = true
}
