// Package control is the socket on which the daemon takes commands: its protocol, described in jobsd-control(7), and
// both of its ends. The server's end has no goroutine: its descriptors are polled by the daemon's loop with all others.
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

// Version is that of the protocol. Every line carries it.
const Version = 1

// SocketName is the name of the socket in the run directory.
const SocketName = "jobsd.sock"

// The limits of the server.
const (
	MaxLine        = 64 << 10              // bytes of a request with its newline
	MaxReason      = 1000                  // bytes of the reason of a disable
	MaxIn          = 3650 * 24 * time.Hour // how much later a start can be, as with every duration of a job file
	MaxConnections = 64                    // at one time
	Idle           = 10 * time.Second      // for a request to come in whole, or an answer to be read
)

// The verbs.
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

// Request is what a client asks for: one line.
type Request struct {
	Version int           `json:"version"`
	Verb    string        `json:"verb"`
	Job     string        `json:"job,omitempty"`
	Run     uint64        `json:"run,omitempty"`    // of stop and signal: only this one
	Args    []string      `json:"args,omitempty"`   // of start and restart: added to those of the job
	Wait    bool          `json:"wait,omitempty"`   // of start and restart: answer once more at the end of the run
	In      time.Duration `json:"in,omitempty"`     // of start: so much later, nanoseconds
	All     bool          `json:"all,omitempty"`    // of enable and disable: all jobs in place of one
	Reason  string        `json:"reason,omitempty"` // of disable
	Until   time.Time     `json:"until,omitzero"`   // of stop, restart and disable: when the job may run again
	Signal  string        `json:"signal,omitempty"` // of signal: its name without SIG
	Group   bool          `json:"group,omitempty"`  // of signal: to the whole process group of a run, not only to its leader
}

// Response is a line of an answer. The one with Last ends it.
type Response struct {
	Version int             `json:"version"`
	Error   *Error          `json:"error,omitempty"`
	Run     uint64          `json:"run,omitempty"`        // of start and restart: the new one
	Runs    []uint64        `json:"runs,omitempty"`       // of stop and signal: those that were stopped, or got the signal
	Asked   time.Duration   `json:"asked,omitempty"`      // of reload: the boot clock when it was asked for, nanoseconds
	Outcome json.RawMessage `json:"outcome,omitempty"`    // of a run that was waited for, as last_run in jobsd-state(5)
	Uptime  time.Duration   `json:"uptime,omitempty"`     // of the daemon: the state file has what was done once its uptime is not below and it is of this daemon, nanoseconds
	Started string          `json:"started_at,omitempty"` // with Uptime: when the daemon began, as daemon.started_at in jobsd-state(5)
	Last    bool            `json:"last"`
}

// Code is the kind of an Error.
type Code string

// The codes.
const (
	BadRequest   Code = "bad_request"
	BadVersion   Code = "version"
	Busy         Code = "busy"
	NotPermitted Code = "not_permitted"
	NoJob        Code = "no_job"
	Refused      Code = "refused"
)

// Error says why a request is not carried out.
type Error struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

func (e *Error) Error() string { return e.Text }

func bad(format string, args ...any) *Error { return &Error{BadRequest, fmt.Sprintf(format, args...)} }

// Parse reads a request from a line without its newline. The version comes before all else, as nothing is known of the
// lines of another one.
func Parse(line []byte) (Request, *Error) {
	var r Request
	var v struct {
		Version *int `json:"version"`
	}
	if !utf8.Valid(line) { // else it would be read as something that was not said
		return r, bad("the request is not UTF-8")
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return r, bad("the request is no JSON object with a version: %v", err)
	}
	if v.Version == nil {
		return r, bad("the request has no version")
	}
	if *v.Version != Version {
		return r, &Error{BadVersion, fmt.Sprintf("this daemon speaks version %d, not %d", Version, *v.Version)}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, bad("cannot read the request: %v", err)
	}
	return r, r.check()
}

// takes is what may be said to each verb, besides its name.
var takes = map[string][]string{
	Start:   {"job", "args", "wait", "in"},
	Restart: {"job", "args", "wait", "until"},
	Stop:    {"job", "run", "until"},
	Signal:  {"job", "run", "signal", "group"},
	Enable:  {"job", "all"},
	Disable: {"job", "all", "reason", "until"},
	Reload:  {},
	Upgrade: {},
}

// said lists what a request says.
func (r *Request) said() (fields []string) {
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

// check refuses what would be ignored otherwise.
func (r *Request) check() *Error {
	takes, known := takes[r.Verb]
	if !known {
		return bad("no verb is called %q", r.Verb)
	}
	for _, field := range r.said() {
		if !slices.Contains(takes, field) {
			return bad("%s takes no %s", r.Verb, field)
		}
	}
	switch {
	case r.Job != "" && r.All:
		return bad("%s takes a job or all, not both", r.Verb)
	case r.Job == "" && !r.All && slices.Contains(takes, "job"):
		return bad("%s wants a job", r.Verb)
	case r.Run != 0 && !r.Until.IsZero():
		return bad("until is about a job, not about one run")
	case r.Verb == Signal && r.Signal == "":
		return bad("signal wants the name of a signal")
	case r.In < 0 || r.In > MaxIn:
		return bad("in must be from 0 to %d days", MaxIn/(24*time.Hour))
	case len(r.Reason) > MaxReason:
		return bad("the reason has more than %d bytes", MaxReason)
	case strings.ContainsFunc(r.Reason, unicode.IsControl):
		return bad("the reason holds a control character")
	}
	for _, arg := range r.Args {
		if strings.IndexByte(arg, 0) >= 0 {
			return bad("an argument holds a NUL byte")
		}
	}
	return nil
}

// encode makes a line of v.
func encode(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return append(line, '\n')
}
