package jobfile

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Target is a receiver of notifications that jobsd.toml names and jobs refer to: mail, HTTP or a command.
type Target struct {
	Name string
	Mail []string // addresses; nil: not a target for mail

	// A target for HTTP has one of URL and URLFile. Both may contain a password or token, so neither the URL nor what is
	// in the files may appear in a message, a log or the state file.
	URL         string
	URLFile     string // an absolute path of a file with the URL
	HeadersFile string // an absolute path of a file with headers, one "Name: value" on each line; "": none
	Preset      Preset // the form of the requests; "" for mail and commands

	Cmd []string // a command with its arguments; nil: not a target for a command
}

// Preset is the form of the requests that a target gets.
type Preset string

// The values of Preset.
const (
	PresetJSON         Preset = "json"
	PresetNtfy         Preset = "ntfy"
	PresetSlack        Preset = "slack"
	PresetHealthchecks Preset = "healthchecks"
)

// Same reports whether two heartbeats are the same settings. Either may be nil.
func (h *Heartbeat) Same(g *Heartbeat) bool { return h == g || h != nil && g != nil && *h == *g }

// Way says in one word how the target is reached: mail, command, or the preset of its requests.
func (t *Target) Way() string {
	switch {
	case t.Mail != nil:
		return "mail"
	case t.Cmd != nil:
		return "command"
	}
	return string(t.Preset)
}

// Heartbeat is a URL that the daemon requests at intervals, so that its own death is noticed elsewhere. It has one of
// URL and URLFile, which are as secret as those of a target.
type Heartbeat struct {
	URL         string
	URLFile     string // an absolute path of a file with the URL
	HeadersFile string // an absolute path of a file with headers; "": none
	Every       time.Duration
}

// targetKeys are the keys of a table [notify.NAME] of jobsd.toml.
var targetKeys = newKeys(
	row("mail", "Mail addresses that get the notifications.",
		oneOrMore(mailAddress, 1), nil, func(t *Target) *[]string { return &t.Mail }),
	row("url", "URL to which the notifications are sent by HTTP. It is a secret: jobsd never shows it.",
		webAddress, "", func(t *Target) *string { return &t.URL }),
	row("url_file", "File that contains the URL, instead of url.",
		absolutePath, "", func(t *Target) *string { return &t.URLFile }),
	row("headers_file", "File with headers for the requests, \"Name: value\" on each line.",
		absolutePath, "", func(t *Target) *string { return &t.HeadersFile }),
	row("preset", "Form of the requests.",
		choice(PresetJSON, PresetNtfy, PresetSlack, PresetHealthchecks), "", func(t *Target) *Preset { return &t.Preset }),
	row("cmd", "Command to run for each notification, with its arguments.",
		notifier, nil, func(t *Target) *[]string { return &t.Cmd }),
)

// heartbeatKeys are the keys of the table [heartbeat] of jobsd.toml.
var heartbeatKeys = newKeys(
	row("url", "URL that the daemon requests while it works. It is a secret: jobsd never shows it.",
		webAddress, "", func(h *Heartbeat) *string { return &h.URL }),
	row("url_file", "File that contains the URL, instead of url.",
		absolutePath, "", func(h *Heartbeat) *string { return &h.URLFile }),
	row("headers_file", "File with headers for the requests, \"Name: value\" on each line.",
		absolutePath, "", func(h *Heartbeat) *string { return &h.HeadersFile }),
	row("every", "Interval of the requests.",
		duration(10*time.Second), 5*time.Minute, func(h *Heartbeat) *time.Duration { return &h.Every }),
)

// targetTables is a table of targets by name.
var targetTables = typ[map[string]*Target]{
	name: "table of targets",
	form: Form{Item: Section, Many: Table},
	read: of(table, `a table of targets, such as [notify.ops] with mail = "ops@example.org"`, func(r *reader, n *node) (map[string]*Target, bool) {
		prefix := r.key
		defer func() { r.key = prefix }()
		targets := make(map[string]*Target, len(n.kids))
		for _, kid := range n.kids {
			r.key = prefix
			if why := badTargetName(kid.key); why != "" {
				r.failAs(prefix, kid, "%q %s", kid.key, why)
				continue
			}
			r.key = join(prefix, kid.key)
			targets[kid.key] = r.target(kid)
		}
		return targets, true
	}),
	print: func(b []byte, targets map[string]*Target) []byte {
		for _, name := range slices.Sorted(maps.Keys(targets)) {
			b = targetKeys.print(append(strconv.AppendQuote(b, name), ' '), targets[name], 0)
		}
		return b
	},
	schema: func() schema {
		one := targetKeys.schema().with(schema{
			"oneOf":        []schema{{"required": []string{"mail"}}, {"required": []string{"url"}}, {"required": []string{"url_file"}}, {"required": []string{"cmd"}}},
			"dependencies": schema{"preset": viaHTTP, "headers_file": viaHTTP},
		})
		return schema{"type": "object", "propertyNames": targetNameSchema(), "additionalProperties": one}
	},
}

var viaHTTP = schema{"anyOf": []schema{{"required": []string{"url"}}, {"required": []string{"url_file"}}}}

// reservedTargets cannot be names of targets, because state files and messages have these words in the same place.
var reservedTargets = []string{"mail", "on_start", "on_failure", "on_success", "on_recovery", "daemon"}

// badTargetName returns what is wrong with the name of a target, "" if it is valid.
func badTargetName(s string) known {
	if s == "mail" {
		return "is reserved: give the target another name, or write mail addresses into notify.mail of a job"
	}
	if slices.Contains(reservedTargets, s) {
		return "is reserved: give the target another name"
	}
	return badName(s)
}

func targetNameSchema() schema {
	s := nameSchema()
	s["not"] = schema{"enum": append([]string{"jobsd"}, reservedTargets...)}
	return s
}

// target reads the table of one target.
func (r *reader) target(n *node) *Target {
	t := targetKeys.zero
	t.Name = n.key
	if n.kind != table {
		r.wrong(n, `a table, such as {mail = "ops@example.org"}`)
		return &t
	}
	targetKeys.read(r, n, &t)
	ways := r.oneOf(n, "mail", "url", "url_file", "cmd")
	if n.get("url") == nil && n.get("url_file") == nil {
		for _, key := range []string{"preset", "headers_file"} {
			if kid := n.get(key); kid != nil && ways > 0 {
				r.failAs(join(r.key, key), kid, "is only for targets with url or url_file: remove it")
			}
		}
	} else if t.Preset == "" {
		t.Preset = PresetJSON
	}
	return &t
}

// oneOf demands exactly one of the keys in the table n, and returns how many there are.
func (r *reader) oneOf(n *node, keys ...string) (found int) {
	first := ""
	for _, kid := range n.kids {
		if !slices.Contains(keys, kid.key) {
			continue
		}
		if found++; found > 1 {
			r.failAs(join(r.key, kid.key), kid, "%s and %s exclude each other; keep one of them", known(first), known(kid.key))
			continue
		}
		first = kid.key
	}
	if found == 0 {
		last := len(keys) - 1
		r.failAs(r.key, n, "has no receiver: add %s or %s", known(strings.Join(keys[:last], ", ")), known(keys[last]))
	}
	return found
}

// heartbeat is a table with a URL.
var heartbeat = typ[*Heartbeat]{
	name: "table",
	form: Form{Item: Section},
	sub:  heartbeatKeys.list,
	read: of(table, `a table, such as {url_file = "/etc/jobsd/heartbeat.url"}`, func(r *reader, n *node) (*Heartbeat, bool) {
		h := heartbeatKeys.zero
		heartbeatKeys.read(r, n, &h)
		r.oneOf(n, "url", "url_file")
		return &h, true
	}),
	print: func(b []byte, h *Heartbeat) []byte {
		if h == nil {
			return b
		}
		return heartbeatKeys.print(append(b, "on "...), h, 0)
	},
	schema: func() schema {
		return heartbeatKeys.schema().with(schema{"oneOf": []schema{{"required": []string{"url"}}, {"required": []string{"url_file"}}}})
	},
}

// webAddress is an http or https URL. No error quotes it, as many services have a token in it.
var webAddress = checkedText("URL", matching(`^[hH][tT][tT][pP][sS]?://`), func(r *reader, n *node, s string) bool {
	const such = `write one such as "https://example.org/path"`
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsAny(s, " \t"):
		return r.fail(n, "is not a valid URL: "+such)
	case u.Scheme != "http" && u.Scheme != "https":
		return r.fail(n, "the URL must begin with http:// or https://: "+such)
	case u.Hostname() == "":
		return r.fail(n, "the URL has no host: "+such)
	}
	return true
})

// absolutePath is a path from the root, for files that are read long after the load. No error quotes it, as somebody may
// have written there what should be in the file.
var absolutePath = checkedText("path", matching("^/"), func(r *reader, n *node, s string) bool {
	if !filepath.IsAbs(s) {
		return r.fail(n, "must be the absolute path of a file, such as \"/etc/jobsd/phone.url\"")
	}
	return noNUL(r, n, s)
})

// targetName is the name of a target. Whether jobsd.toml has the target is checked for the file as a whole.
var targetName = checkedText("target", targetNameSchema, func(r *reader, n *node, s string) bool {
	why := badTargetName(s)
	switch {
	case why == "":
		return true
	case strings.Contains(s, "://"): // it may be a secret
		return r.fail(n, "must be the name of a target, not a URL: add a target with this URL to jobsd.toml")
	}
	if names := severalTargets(s); names != "" {
		return r.fail(n, "%q is not one name: write a list, such as [%s]", s, names)
	}
	return r.fail(n, "%q %s", s, why)
})

// severalTargets returns the names in a text such as "phone,ops" as items of a list, "" if the text is something else.
func severalTargets(s string) string {
	var quoted []string
	for _, name := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
		if badTargetName(name) != "" {
			return ""
		}
		quoted = append(quoted, strconv.Quote(name))
	}
	if len(quoted) < 2 {
		return ""
	}
	return strings.Join(quoted, ", ")
}
