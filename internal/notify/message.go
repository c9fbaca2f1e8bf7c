// Package notify delivers notifications: by mail, by HTTP and by commands. It works in a child process of the daemon,
// see Serve, in plain blocking code: whatever a receiver does, the daemon does not wait for it.
package notify

import (
	"jobsd/internal/joblog"
	"jobsd/spawn"
	"jobsd/statefile"
)

// Message is what one receiver gets at once. It is delivered at least once: a message whose delivery was interrupted is
// delivered again with the same ID and the same events.
type Message struct {
	Number uint64  `json:"number"` // of the message, for the answer
	ID     string  `json:"id"`     // unique, and the same at each attempt
	Host   string  `json:"host"`   // the name of this machine
	Events []Event `json:"events"` // at least one, the oldest first

	// The receiver is exactly one of these.
	Mail    *Mail          `json:"mail,omitempty"`
	HTTP    *HTTP          `json:"http,omitempty"`
	Command *spawn.Command `json:"command,omitempty"` // Deliver sets its Input, its Output and variables about the event
}

// Event is something that happened to a job or to the daemon.
type Event struct {
	statefile.Notification
	ID          string  `json:"id"`
	Description string  `json:"description,omitempty"` // of the job
	Output      *Output `json:"output,omitempty"`      // nil: there is none to show
}

// Output is where the output of the event's run is.
type Output struct {
	Log   string        `json:"log"` // the path of the job's log
	Run   uint64        `json:"run"`
	Place *joblog.Place `json:"place,omitempty"` // nil: not known
	Gone  string        `json:"gone,omitempty"`  // why there is no log of the output, a clause for people; "": there is one
}

// Mail says how a mail is sent.
type Mail struct {
	Sendmail spawn.Command `json:"sendmail"`       // its standard input is the mail, and it reads the recipients from it
	From     string        `json:"from,omitempty"` // "": the user of the daemon
	To       []string      `json:"to"`
}

// HTTP says where and how a request is sent. The files are read at each delivery, so that nobody else keeps secrets.
type HTTP struct {
	URL         string `json:"url,omitempty"`
	URLFile     string `json:"url_file,omitempty"`     // a file with the URL; "": URL is it
	HeadersFile string `json:"headers_file,omitempty"` // a file with headers, one "Name: value" on each line; "": none
	Preset      string `json:"preset"`                 // json, ntfy, slack or healthchecks
}

// Result is the answer to a message, or says that a command of it has started.
type Result struct {
	Number uint64 `json:"number"`
	// Leader is set if a command has started. The answer follows later. If this process dies before that, the daemon ends
	// the command, because otherwise it would go on without a limit while it is started again.
	Leader *Leader `json:"leader,omitempty"`
	Error  string  `json:"error,omitempty"`  // why it was not delivered, without secrets; "": it was delivered
	Final  bool    `json:"final,omitempty"`  // another attempt would fail in the same way
	Answer string  `json:"answer,omitempty"` // the status of an HTTP answer, for people
	Output string  `json:"output,omitempty"` // what a command or the mailer printed, at most MaxPrinted bytes
}

// Leader identifies the first process of a command, as spawn.Process does.
type Leader struct {
	PID   int    `json:"pid"`
	Inode uint64 `json:"inode"`
	Start uint64 `json:"start"`
}

// MaxPrinted is how much of what a command prints a Result has, in bytes.
const MaxPrinted = 64 << 10
