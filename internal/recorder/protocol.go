package recorder

import "jobsd/internal/joblog"

// Version is that of the protocol and of the memory that a recorder leaves to the next one. A daemon of another version
// replaces the recorder.
//
// For that, a daemon and a recorder of any two versions must always understand the same words: the daemon says Hello and
// Quit; the recorder says Hello, Have, Began, Ended, Closed, Trouble and Ready, and on Quit what [Quit] says. The fields
// of these messages keep their meaning, and both ignore fields and kinds that they do not know. A recorder of any version
// owns its memory as [Owner] finds out.
const Version = 1

// Message is one message between the daemon and the recorder. A kind uses the fields that its comment names.
type Message struct {
	Kind Kind `json:"kind"`

	Version int    `json:"version,omitempty"` // of hello
	ID      string `json:"id,omitempty"`      // of hello: the state directory of the daemon
	Program string `json:"program,omitempty"` // of hello: its version
	Run     uint64 `json:"run,omitempty"`
	Job     string `json:"job,omitempty"`
	Text    string `json:"text,omitempty"` // a marker without "== ", or what is wrong

	Label    string           `json:"label,omitempty"` // of lines while other runs of the job are alive; "": the number of the run
	Log      *Log             `json:"log,omitempty"`
	Settings *Settings        `json:"settings,omitempty"`
	From     *joblog.Position `json:"from,omitempty"`       // of the start marker
	To       *joblog.Position `json:"to,omitempty"`         // behind the end marker
	Bytes    int64            `json:"bytes,omitempty"`      // of output, without markers
	Over     bool             `json:"over,omitempty"`       // the end marker is written
	Mixed    *joblog.Position `json:"mixed_from,omitempty"` // from here on lines have a label
	Alone    bool             `json:"alone,omitempty"`      // no line has one, and all lines belong to the run
	Closed   bool             `json:"closed,omitempty"`     // nobody can write to the pipe any more
	Number   uint64           `json:"number,omitempty"`     // of dropped lines
	Start    string           `json:"start,omitempty"`      // of Have: the start marker, if it is not written yet
	Ending   bool             `json:"ending,omitempty"`     // of Have: the end is requested and not written; Text is the end marker
	Line     []byte           `json:"line,omitempty"`       // an unfinished line that is not in the log
	Logged   int64            `json:"logged,omitempty"`     // bytes of the unfinished line that are in the log
	LineEnd  *joblog.Position `json:"line_end,omitempty"`   // where they end
	Output   string           `json:"output,omitempty"`     // of Note: at most 64 KiB

	Descriptors int `json:"fds,omitempty"` // the number of descriptors that come with the message
}

// Kind says what a message is about.
type Kind string

// bringsDescriptors reports whether a message of the daemon may come with descriptors.
func (k Kind) bringsDescriptors() bool {
	return k == Hello || k == Change || k == Begin || k == Resume || k == Keep
}

// Messages of the daemon.
const (
	Hello  Kind = "hello"  // the first message of both: Version ID; Settings and, if they need it, standard output
	Begin  Kind = "begin"  // a run starts: Run Job Label Log, Text is the start marker, and the read end of its pipe
	Resume Kind = "resume" // a run of an earlier recorder: Run Job Log Over and the read end, if it is open; what Handed said
	End    Kind = "end"    // the run is over: Run Job Log; Text is the end marker, "" for none
	Keep   Kind = "keep"   // a descriptor of the process of a run, for a later daemon: Run
	Done   Kind = "done"   // an Ended is recorded, or the outcome of a run without output: Run
	Note   Kind = "note"   // a marker between runs: Job Log Text; or one for each line of Output, with Text in front
	Change Kind = "change" // new Settings and, if they need it, standard output
	Remove Kind = "remove" // a job does not exist any more, so nothing is wrong with its log: Job
	Drain  Kind = "drain"  // the daemon ends when all lines are on standard output
	Ping   Kind = "ping"   // the recorder answers with Pong as soon as it can
	// Quit: another recorder takes over, with memory of the Version. The recorder reads no pipe any more and writes the
	// notes that wait for the disk. If its own memory is of this version, it then exits: the other recorder finds all else
	// there. Otherwise it also completes the current write, sends a Handed for each run, and exits when the daemon has
	// received them. While the disk is full it stays. A recorder that cannot do that for long, because a process holds up
	// the pipe of a run, and whose memory is of this version, says Ready again and continues.
	Quit Kind = "quit"
	// Ready: the daemon has resumed all its runs.
)

// Messages of the recorder. It answers hello with its own hello, then a Have for each open pipe, a Kept for each
// descriptor that it keeps, and all Trouble that there is, then Ready.
const (
	Have    Kind = "have"    // a run that it has: Run Job Label Log Start Ending Text Over; and a copy of the read end, if it is open
	Kept    Kind = "kept"    // what Keep brought, and no Done has ended: Run, with the descriptor
	Ready   Kind = "ready"   // the list of pipes is complete
	Began   Kind = "began"   // Run From: the start marker is in the log
	Ended   Kind = "ended"   // Run From To Bytes Closed: the end marker is in the log
	Refused Kind = "refused" // Run: the recorder has no room for it; the daemon hands it over again later, with its End
	Closed  Kind = "closed"  // Run: an ended run's pipe has no writer any more
	Handed  Kind = "handed"  // what the next recorder needs to continue a run: Run From Bytes Mixed Line Logged LineEnd
	Trouble Kind = "trouble" // Text: what is wrong; "": nothing
	Drained Kind = "drained" // answers drain
	Pong    Kind = "pong"    // answers ping
	// Dropped: standard output does not take lines. Text: why, "" if it takes them again. Number: lines that it did not
	// take since the last such message.
	Dropped Kind = "dropped"
)

// Log says how the output of a run is kept.
type Log struct {
	Path       string `json:"path"`     // "": no file; all its output goes to standard output
	MaxSize    int64  `json:"max_size"` // bytes; 0: no limit
	Keep       int    `json:"keep"`     // old logs
	Timestamps bool   `json:"timestamps,omitempty"`
	Stdout     string `json:"stdout,omitempty"` // "text" or "json": write it to standard output, too
}

// Settings are those of all logs.
type Settings struct {
	Group  int    `json:"group"`            // of new log files; -1: that of the daemon
	Stdout string `json:"stdout,omitempty"` // the file that is standard output; "": a descriptor comes with the message
}
