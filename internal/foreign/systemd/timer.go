package systemd

import (
	"path"
	"slices"
	"strings"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// Options are what a translation depends on besides the texts.
type Options struct {
	User     bool                   // the units are those of a user's manager
	Now      time.Time              // to refuse dates that never come
	Local    *time.Location         // the zone of events that set none; nil: UTC
	HasUser  func(name string) bool // nil: all users exist
	HasGroup func(name string) bool // nil: all groups exist
	Values   map[byte]string        // the values of specifiers on this machine, and of the user in units of a user
}

// Translate makes a job from a timer and its service, if both a time and a command can be imported.
func Translate(timer, service Unit, o Options) *foreign.Result {
	t := &translator{Options: o, timer: timer, keys: map[string]any{}}
	for _, u := range []Unit{timer, service} {
		if u.Masked {
			t.result.Refuse(place(u), "%s is masked, so systemd does not start it; no job was created", u.Name)
			return &t.result
		}
	}
	if ext := path.Ext(service.Name); ext != ".service" {
		t.result.Refuse(place(timer), "it starts %s, which is not a service, so no job was created", service.Name)
		return &t.result
	}
	t.each(timer, "Timer", timerKeys)
	t.each(service, "Service", serviceKeys)
	t.complete()
	switch {
	case t.noJob:
		return &t.result
	case t.keys["cmd"] == nil && t.keys["shell"] == nil:
		t.result.Refuse(place(service), "it has no command that can be imported, so no job was created")
		return &t.result
	case t.keys["cron"] == nil && t.keys["every"] == nil && t.keys["at_boot"] == nil:
		t.result.Refuse(place(timer), "it has no time that can be imported, so no job was created")
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

// order is the order of the keys in the job file.
var order = []string{
	"description", "cmd", "shell", "success_codes", "cron", "every", "at_boot", "timezone", "jitter", "catch_up", "timeout",
	"stop", "stop_signal", "stop_timeout", "leftovers", "user", "group", "dir", "umask", "nice", "env_file", "pass_env", "env", "limits",
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
	lasting    setting // Persistent, if it is true
	oneshot    bool
	asRoot     bool     // the command has a "+", and the unit sets a user
	user       setting  // the line that sets a user
	dynamic    setting  // DynamicUser
	success    *setting // SuccessExitStatus, if it names codes
	described  setting  // Description
	noKill     bool
	pipes      bool // the unit sets IgnoreSIGPIPE
	noJob      bool
	execs      execs
	nowhere    []setting
	scope      scope // the unit of the current settings
	result     foreign.Result
}

// literal resolves the specifiers of a value.
func (t *translator) literal(s string) (string, error) { return t.scope.literal(s) }

// none refuses a setting and the whole job.
func (t *translator) none(s setting, format string, args ...any) {
	t.noJob = true
	t.refuse(s, format, args...)
}

// handler imports a key. It gets all settings of the key, at least one. If only one can count, the last one does.
type handler func(t *translator, all []setting)

// each imports the settings of a unit.
func (t *translator) each(u Unit, own string, handlers map[string]handler) {
	keys, byKey := u.settings(&t.result)
	t.scope = scope{u.Name, t.User, t.Values, func(c byte, v string) {
		t.result.Note(foreign.Place{}, "%%%c is replaced with %q, its value on this machine", c, v)
	}}
	if all := byKey["Service.Type"]; len(all) > 0 { // the meaning of a timeout depends on it
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
			t.install(name, own, all)
		case handle != nil && (section == own || section == "Unit"):
			handle(t, all)
		default:
			for _, s := range all {
				t.refuse(s, "%s", reason(name))
			}
		}
	}
}

// install imports how a unit is started. The import itself replaces enabling the timer.
func (t *translator) install(name, own string, all []setting) {
	for _, s := range all {
		switch {
		case own == "Service":
			t.note(s, "if the service is enabled, systemd starts it at boot too; use at_boot = true for that")
		case name != "WantedBy" || !strings.HasSuffix(s.value, ".target"):
			t.note(s, "the timer may run only together with other units; the job runs whenever the daemon runs")
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

// single makes a handler that gets only the last setting.
func single(do func(t *translator, s setting)) handler {
	return func(t *translator, all []setting) { do(t, last(all)) }
}

// without is a handler for settings that have no effect in jobsd, with the reason.
func without(why string) handler {
	return func(t *translator, all []setting) {
		for _, s := range all {
			t.note(s, "%s", why)
		}
	}
}

// only is a handler for a key that can be imported only with certain values.
func only(values ...string) handler {
	return single(func(t *translator, s setting) {
		if !slices.Contains(values, strings.ToLower(s.value)) {
			t.refuse(s, "jobsd has no key for it")
		}
	})
}

// keep copies a value to a key.
func keep(key string) handler {
	return single(func(t *translator, s setting) {
		v, err := t.literal(s.value)
		if err != nil {
			t.refuse(s, "%v", err)
			return
		}
		t.keys[key] = v
	})
}

// timed copies a time span to a key. It leaves out a span that is infinite or zero.
func timed(key string) handler {
	return single(func(t *translator, s setting) {
		switch d, ok := span(s.value); {
		case !ok || d < 0 && key == "jitter":
			t.refuse(s, "%q is not a time span", s.value)
		case d > longest:
			t.refuse(s, "the maximum in a job file is 3650d")
		case d > 0:
			t.keys[key] = foreign.Duration(d)
		}
	})
}

// longest is the longest duration of a job file.
const longest = 3650 * 24 * time.Hour

var unitKeys = map[string]handler{
	"Description":   single((*translator).describe),
	"Documentation": without("is for people; use a comment in the job file"),
	"After":         without("jobsd does not know the order of units"),
	"Before":        without("jobsd does not know the order of units"),
}

var timerKeys = map[string]handler{
	"OnCalendar":         (*translator).onCalendar,
	"OnBootSec":          (*translator).onBoot,
	"OnStartupSec":       (*translator).onBoot,
	"OnUnitActiveSec":    (*translator).onInterval,
	"OnUnitInactiveSec":  (*translator).onInterval,
	"Persistent":         single((*translator).setPersistent),
	"RandomizedDelaySec": single((*translator).setJitter),
	"FixedRandomDelay":   without("jitter is always fixed"),
	"AccuracySec":        without("jobsd starts jobs on time"),
	"RemainAfterElapse":  without("a job always remains"),
	"Unit":               func(*translator, []setting) {}, // names the service, which has been read
	"WakeSystem":         only("no", "false", "off", "0"),
}

// describe sets the description. That of the service, which is read later, replaces that of the timer.
func (t *translator) describe(s setting) {
	if t.described.key != "" && t.described.value != s.value {
		t.note(t.described, "the job gets the description of the service")
	}
	t.described = s
	keep("description")(t, []setting{s})
}

func (t *translator) setPersistent(s setting) {
	if !truth(s.value) && !slices.Contains([]string{"no", "false", "off", "0", "n", "f"}, strings.ToLower(s.value)) {
		t.refuse(s, "%q is neither yes nor no, so systemd ignores it", s.value)
		return
	}
	if t.persistent = truth(s.value); t.persistent {
		t.lasting = s
	}
}

func (t *translator) setJitter(s setting) {
	timed("jitter")(t, []setting{s})
	if t.keys["jitter"] != nil {
		t.note(s, "jitter is the same each time the job runs")
	}
}

// onInterval imports the last interval. To systemd, each of several intervals counts separately.
func (t *translator) onInterval(all []setting) {
	for _, s := range all[:len(all)-1] {
		t.refuse(s, "a job has one interval; create a second job")
	}
	s := last(all)
	switch d, ok := span(s.value); {
	case !ok || d < time.Second || d > longest:
		t.refuse(s, "%q is not an interval from a second to 3650d", s.value)
	case t.keys["cron"] != nil || t.keys["every"] != nil:
		t.refuse(s, "a job has either times or an interval; create a second job")
	default:
		t.keys["every"] = foreign.Duration(d)
		counts := ""
		if s.key == "Timer.OnUnitInactiveSec" {
			counts = "systemd counts from the end of the previous run; "
		}
		t.note(s, "%severy counts from the time when the job was last due; the first time, from when jobsd loads it", counts)
	}
}

func truth(s string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1", "y", "t"}, strings.ToLower(s))
}

// onCalendar makes one list of all events with the same time zone.
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
			t.refuse(s, "a job has one time zone; create a second job")
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
		t.refuse(all[0], "a job has either times or an interval; create a second job")
		return
	case len(crons) == 1:
		t.keys["cron"] = crons[0]
	default:
		t.keys["cron"] = crons
	}
	if zone != "" {
		t.keys["timezone"] = zone
	}
	t.result.Note(foreign.Place{}, "a time of day that a clock change skips is due right after the change; systemd skips it")
}

// onBoot imports a delay as at_boot if it is at most a minute, because systemd itself may be that late.
func (t *translator) onBoot(all []setting) {
	for _, s := range all {
		switch d, ok := span(s.value); {
		case !ok || d < 0:
			t.refuse(s, "%q is not a time span", s.value)
		case d > time.Minute:
			t.refuse(s, "at_boot starts a job at once; for a delay, create a second job with at_boot = true and "+
				`"sleep %d" before the command`, int(d.Seconds()))
		default:
			if t.keys["at_boot"] = true; d > 0 {
				t.note(s, "at_boot starts the job at once, not after %s", foreign.Duration(d))
			}
			if t.User {
				t.note(s, "at_boot is the boot of the machine, not the login of the user")
			}
		}
	}
}
