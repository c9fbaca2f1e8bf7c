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

// Options are what a translation depends on beside the texts.
type Options struct {
	User     bool                   // units of a user's own manager
	Now      time.Time              // to refuse dates that never come
	Local    *time.Location         // of events without a zone; nil: UTC
	HasUser  func(name string) bool // nil: all are there
	HasGroup func(name string) bool // nil: all are there
	Values   map[byte]string        // of specifiers: those of this machine, and in units of a user those of the user
}

// Translate makes a job of a timer and its service, if there is a time and a command that can be carried over.
func Translate(timer, service Unit, o Options) *foreign.Result {
	t := &translator{Options: o, timer: timer, keys: map[string]any{}}
	for _, u := range []Unit{timer, service} {
		if u.Masked {
			t.result.Refuse(place(u), "%s is masked, so systemd does not start it, and no job was made", u.Name)
			return &t.result
		}
	}
	if ext := path.Ext(service.Name); ext != ".service" {
		t.result.Refuse(place(timer), "it starts %s, and a job can only do what a service does, so no job was made", service.Name)
		return &t.result
	}
	t.each(timer, "Timer", timerKeys)
	t.each(service, "Service", serviceKeys)
	t.complete()
	switch {
	case t.noJob:
		return &t.result
	case t.keys["cmd"] == nil && t.keys["shell"] == nil:
		t.result.Refuse(place(service), "there is no command that can be carried over, so no job was made")
		return &t.result
	case t.keys["cron"] == nil && t.keys["every"] == nil && t.keys["at_boot"] == nil:
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
	asRoot     bool     // the command has a "+" and there is a user
	user       setting  // the line that names one
	dynamic    setting  // DynamicUser
	success    *setting // SuccessExitStatus, if it names codes
	described  setting  // Description
	noKill     bool
	pipes      bool // there is an IgnoreSIGPIPE
	noJob      bool
	execs      execs
	nowhere    []setting
	scope      scope // of the unit whose settings are looked at
	result     foreign.Result
}

// literal resolves the specifiers of a value.
func (t *translator) literal(s string) (string, error) { return t.scope.literal(s) }

// none refuses a setting without which there must be no job.
func (t *translator) none(s setting, format string, args ...any) {
	t.noJob = true
	t.refuse(s, format, args...)
}

// handler carries a key over: it gets all its settings, of which there is at least one. Where only one can count, that
// is the last.
type handler func(t *translator, all []setting)

// each goes through the settings of a unit.
func (t *translator) each(u Unit, own string, handlers map[string]handler) {
	keys, byKey := u.settings(&t.result)
	t.scope = scope{u.Name, t.User, t.Values, func(c byte, v string) {
		t.result.Note(foreign.Place{}, "%%%c is written out as %q, which it is on this machine", c, v)
	}}
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

// install looks at what starts a unit. That of a timer is what an import stands for.
func (t *translator) install(name, own string, all []setting) {
	for _, s := range all {
		switch {
		case own == "Service":
			t.note(s, "if the service is enabled, systemd starts it at boot, too, which at_boot = true does")
		case name != "WantedBy" || !strings.HasSuffix(s.value, ".target"):
			t.note(s, "the timer may run only with other units; the job runs whenever the daemon does")
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
		v, err := t.literal(s.value)
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
		case !ok || d < 0 && key == "jitter":
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
	"Description":   single((*translator).describe),
	"Documentation": without("is for people, and job files have comments"),
	"After":         without("jobsd starts jobs in no order of units"),
	"Before":        without("jobsd starts jobs in no order of units"),
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
	"RemainAfterElapse":  without("a job remains"),
	"Unit":               func(*translator, []setting) {}, // says which service was read
	"WakeSystem":         only("no", "false", "off", "0"),
}

// describe takes in a description. That of the service, which comes later, counts.
func (t *translator) describe(s setting) {
	if t.described.key != "" && t.described.value != s.value {
		t.note(t.described, "the description of the job is that of the service")
	}
	t.described = s
	plain("description")(t, []setting{s})
}

func (t *translator) setPersistent(s setting) {
	if !truth(s.value) && !slices.Contains([]string{"no", "false", "off", "0", "n", "f"}, strings.ToLower(s.value)) {
		t.refuse(s, "%q is neither yes nor no, so systemd passes it over", s.value)
		return
	}
	if t.persistent = truth(s.value); t.persistent {
		t.lasting = s
	}
}

func (t *translator) setJitter(s setting) {
	timed("jitter")(t, []setting{s})
	if t.keys["jitter"] != nil {
		t.note(s, "jitter is the same for the job at each of its times")
	}
}

// onInterval makes an interval of the last setting; each of several is one of its own to systemd.
func (t *translator) onInterval(all []setting) {
	for _, s := range all[:len(all)-1] {
		t.refuse(s, "a job has one interval; make a second one")
	}
	s := last(all)
	switch d, ok := span(s.value); {
	case !ok || d < time.Second || d > longest:
		t.refuse(s, "%q is not an interval from a second to 3650d", s.value)
	case t.keys["cron"] != nil || t.keys["every"] != nil:
		t.refuse(s, "a job has either times or an interval; make a second one")
	default:
		t.keys["every"] = foreign.Duration(d)
		counts := ""
		if s.key == "Timer.OnUnitInactiveSec" {
			counts = "systemd counts from after the end of the run before; "
		}
		t.note(s, "%severy counts from when the job was last due, and first from when jobsd first loads it", counts)
	}
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

// onBoot makes at_boot of a delay within the minute that systemd takes the liberty of being late.
func (t *translator) onBoot(all []setting) {
	for _, s := range all {
		switch d, ok := span(s.value); {
		case !ok || d < 0:
			t.refuse(s, "%q is not a time span", s.value)
		case d > time.Minute:
			t.refuse(s, "at_boot starts a job at once; if it is to wait, make a second one with at_boot = true and "+
				`"sleep %d" in front of the command`, int(d.Seconds()))
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
