// Package control implements the socket on which the daemon takes commands: the protocol, described in
// jobsd-control(7), and both ends of it. The server's end has no goroutine: the daemon's loop polls its descriptors
// together with all others.
package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Version is the version of the protocol. Every line carries it.
const Version = 1

// SocketName is the name of the socket in the run directory.
const SocketName = "jobsd.sock"

// These are the limits of the server.
const (
	MaxLine        = 64 << 10              // bytes of a request, including its newline
	MaxReason      = 1000                  // bytes of the reason in a disable request
	MaxIn          = 3650 * 24 * time.Hour // longest delay of a start, the same as for a duration in a job file
	MaxConnections = 64                    // simultaneous connections
	Idle           = 10 * time.Second      // time limit for a client to send a whole request or read an answer
)

// These are the verbs.
const (
	Start   = "start"
	Stop    = "stop"
	Restart = "restart"
	Enable  = "enable"
	Disable = "disable"
	Reload  = "reload"
	Upgrade = "upgrade"
	Signal  = "signal"
)

// Request is what a client sends: one line.
type Request struct {
	Version int           `json:"version"`
	Verb    string        `json:"verb"`
	Job     string        `json:"job,omitempty"`
	Run     uint64        `json:"run,omitempty"`    // for stop and signal: only this run
	Args    []string      `json:"args,omitempty"`   // for start and restart: added to the arguments of the job
	Wait    bool          `json:"wait,omitempty"`   // for start and restart: send a second answer when the run ends
	In      time.Duration `json:"in,omitempty"`     // for start: delay in nanoseconds
	All     bool          `json:"all,omitempty"`    // for enable and disable: all jobs instead of one
	Reason  string        `json:"reason,omitempty"` // for disable
	Until   time.Time     `json:"until,omitzero"`   // for stop, restart and disable: when the job may run again
	Signal  string        `json:"signal,omitempty"` // for signal: its name without SIG
	Group   bool          `json:"group,omitempty"`  // for signal: send to the whole process group of a run, not only to its leader
}

// Response is one line of an answer. Last marks the final line.
type Response struct {
	Version int             `json:"version"`
	Error   *Error          `json:"error,omitempty"`
	Run     uint64          `json:"run,omitempty"`        // for start and restart: the new run
	Runs    []uint64        `json:"runs,omitempty"`       // for stop and signal: the runs that were stopped or got the signal
	Reload  *Reloaded       `json:"reload,omitempty"`     // for reload: the result
	Outcome json.RawMessage `json:"outcome,omitempty"`    // with Wait: result of the run, like last_run in jobsd-state(5)
	Uptime  time.Duration   `json:"uptime,omitempty"`     // of the daemon, in nanoseconds: a state file of this daemon shows the result once its uptime is at least this
	Started string          `json:"started_at,omitempty"` // with Uptime: start time of the daemon, like daemon.started_at in jobsd-state(5)
	Last    bool            `json:"last"`
}

// Reloaded is the result of a load of the job files.
type Reloaded struct {
	New         int       `json:"new"`
	Changed     int       `json:"changed"`
	Removed     int       `json:"removed"`
	Unchanged   int       `json:"unchanged"`
	Refused     int       `json:"refused"` // number of files
	ChangedJobs []string  `json:"changed_jobs,omitempty"`
	Settings    []string  `json:"settings,omitempty"`
	Errors      []Mistake `json:"errors,omitempty"`
}

// Mistake is what is wrong with a job file or the settings.
type Mistake struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Key    string `json:"key,omitempty"`
	Text   string `json:"text"`
}

// Code is the kind of an Error.
type Code string

// These are the codes.
const (
	BadRequest   Code = "bad_request"
	BadVersion   Code = "version"
	Busy         Code = "busy"
	NotPermitted Code = "not_permitted"
	NoJob        Code = "no_job"
	Refused      Code = "refused"
)

// Error says why the daemon refuses a request.
type Error struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

func (e *Error) Error() string { return e.Text }

func bad(format string, args ...any) *Error { return &Error{BadRequest, fmt.Sprintf(format, args...)} }

// Parse reads a request from a line without its newline. It checks the version before everything else, because it
// cannot know what the lines of another version look like.
func Parse(line []byte) (Request, *Error) {
	var r Request
	var v struct {
		Version *int `json:"version"`
	}
	if !utf8.Valid(line) { // the JSON decoder would silently replace bad bytes
		return r, bad("the request is not UTF-8")
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return r, bad("the request is not a JSON object with a version: %v", err)
	}
	if v.Version == nil {
		return r, bad("the request has no version")
	}
	if *v.Version != Version {
		return r, &Error{BadVersion, fmt.Sprintf("this daemon uses protocol version %d, not %d", Version, *v.Version)}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, bad("cannot read the request: %v", err)
	}
	return r, r.check()
}

// acceptedFields lists the fields that each verb accepts, besides the verb itself.
var acceptedFields = map[string][]string{
	Start:   {"job", "args", "wait", "in"},
	Restart: {"job", "args", "wait", "until"},
	Stop:    {"job", "run", "until"},
	Signal:  {"job", "run", "signal", "group"},
	Enable:  {"job", "all"},
	Disable: {"job", "all", "reason", "until"},
	Reload:  {},
	Upgrade: {},
}

// setFields lists the fields that a request sets.
func (r *Request) setFields() (fields []string) {
	add := func(name string, is bool) {
		if is {
			fields = append(fields, name)
		}
	}
	add("job", r.Job != "")
	add("run", r.Run != 0)
	add("args", len(r.Args) > 0)
	add("wait", r.Wait)
	add("in", r.In != 0)
	add("all", r.All)
	add("reason", r.Reason != "")
	add("until", !r.Until.IsZero())
	add("signal", r.Signal != "")
	add("group", r.Group)
	return fields
}

// check refuses fields that the daemon would otherwise ignore.
func (r *Request) check() *Error {
	accepted, known := acceptedFields[r.Verb]
	if !known {
		return bad("unknown verb %q", r.Verb)
	}
	for _, field := range r.setFields() {
		if !slices.Contains(accepted, field) {
			return bad("%s does not accept %s", r.Verb, field)
		}
	}
	switch {
	case r.Job != "" && r.All:
		return bad("%s accepts either job or all, not both", r.Verb)
	case r.Job == "" && !r.All && slices.Contains(accepted, "job"):
		return bad("%s needs a job", r.Verb)
	case r.Run != 0 && !r.Until.IsZero():
		return bad("until applies to a job, so it cannot be used with run")
	case r.Verb == Signal && r.Signal == "":
		return bad("signal needs the name of a signal")
	case r.In < 0 || r.In > MaxIn:
		return bad("in must be from 0 to %d days", MaxIn/(24*time.Hour))
	case len(r.Reason) > MaxReason:
		return bad("the reason has more than %d bytes", MaxReason)
	case strings.ContainsFunc(r.Reason, unicode.IsControl):
		return bad("the reason contains a control character")
	}
	for _, arg := range r.Args {
		if strings.IndexByte(arg, 0) >= 0 {
			return bad("an argument contains a NUL byte")
		}
	}
	return nil
}

// encode returns v as a line of JSON.
func encode(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot happen with plain structs
	}
	return append(line, '\n')
}
