package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/joblog"
	"jobsd/statefile"
)

// Event is something that happened outside of the core.
type Event interface{ event() }

// The events.
type (
	// Due says that a timer may be due or that the wall clock may have been set. At most Most timers ring; with 0, all
	// that are due.
	Due struct{ Most int }

	// Loaded carries one complete set of definitions. Begun and Done are readings of the boot clock.
	Loaded struct {
		Set         *jobfile.Set
		Begun, Done time.Duration
	}

	// Prepared says that the disk has done what Prepare asked: the intent is durable. Err says what failed.
	Prepared struct {
		Run uint64
		Err error
	}

	// Forked says that the run has a process. If Executing is true, its exec is done; otherwise Executed or NotStarted
	// follows.
	Forked struct {
		Run       uint64
		PID       int
		Inode     uint64
		PIDStart  uint64
		Executing bool
	}

	// Executed says that the shim of the run has become the job's program.
	Executed struct{ Run uint64 }

	// NotStarted says that a start failed. Weather: a resource was short that recovers by itself. Busy: the program
	// file was open for writing.
	NotStarted struct {
		Run           uint64
		Error         statefile.StartError
		Text          string
		Weather, Busy bool
	}

	// Exited says that the leader of the run was reaped. Left counts the known leftover processes. Group: some of them
	// are in the run's process group.
	Exited struct {
		Run       uint64
		Code      int    // -1 if Signal ended it
		Signal    string // without SIG
		Core      bool
		User, Sys time.Duration
		MaxRSS    int64
		Left      int
		Group     bool
		Unknown   bool // nobody knows how it ended
	}

	// Probed answers Probe.
	Probed struct {
		Run  uint64
		Left int
	}

	// Killed lists the processes that were killed after they had left the group of their run.
	Killed struct {
		Run  uint64
		PIDs []int
	}

	// Orphan says that a process was reaped that led no run. It may have been the last of a draining group.
	Orphan struct{}

	// Found says that a run of the previous daemon is alive. The leader is 0 if some process of the run is alive but its
	// leader is unknown.
	Found struct {
		Run   uint64
		Child bool // the process is a child, because an upgrade only replaced the program
		Leader
	}

	// Gone says that the leader of a run of the previous daemon has ended. Remains: leftovers may be alive. Unforked: the
	// run certainly never had a process that became its program. Forked: it certainly had one, even without a leader.
	Gone struct {
		Run      uint64
		Remains  bool
		Unforked bool
		Forked   bool
		Leader
	}

	// Leader identifies the leader of a run for a journal that does not know it yet. 0: it is unknown.
	Leader struct {
		PID      int
		Inode    uint64
		PIDStart uint64
	}

	// Shutdown stops all jobs and then the daemon. Hurry kills the jobs, Leave leaves them running. Upgrade: another
	// program continues under the same pid.
	Shutdown struct {
		By                    string
		Hurry, Leave, Upgrade bool
	}

	// Order is a request of a person. An Answer with the same ID follows at once, and a last one at the end if the
	// client waits for it.
	Order struct {
		ID     uint64
		Verb   Verb
		Job    string        // "" = all jobs, for enable and disable; not used for reload
		Run    uint64        // for stop and signal: only this run
		By     string        // "root (uid 0)" or "uid N"
		Reason string        // for disable
		Until  time.Time     // for stop, restart and disable: when the job may run again; zero: until a person enables it
		Signal string        // for signal: its name without SIG
		Group  bool          // for signal: send it to the whole process group, not only to the leader
		Args   []string      // for start and restart: added to the arguments of the job
		In     time.Duration // for start: the delay
		Wait   bool          // for start and restart: answer with the outcome, too
	}

	// OutputBegan says that the start marker of a run is in the log.
	OutputBegan struct {
		Run   uint64
		Place joblog.Place
	}

	// OutputEnded says that all output of a run and its end marker are in the log. Without a position of the start
	// marker, only the journal may know it.
	OutputEnded struct {
		Run   uint64
		Place joblog.Place
	}

	// Delivered is the result of an attempt to deliver a message.
	Delivered struct {
		Number uint64
		Error  string // "": it was delivered
		Final  bool   // another attempt would fail in the same way
		Output string // what the command printed
	}

	// Trouble sets what is wrong with a part of the daemon, or clears it if Text is "". If the part is the lane of a
	// receiver, Text only says why.
	Trouble struct{ Part, Text string }
)

func (Due) event()         {}
func (Loaded) event()      {}
func (Prepared) event()    {}
func (Forked) event()      {}
func (Executed) event()    {}
func (NotStarted) event()  {}
func (Exited) event()      {}
func (Probed) event()      {}
func (Killed) event()      {}
func (Orphan) event()      {}
func (Found) event()       {}
func (Gone) event()        {}
func (Shutdown) event()    {}
func (Order) event()       {}
func (OutputBegan) event() {}
func (OutputEnded) event() {}
func (Delivered) event()   {}
func (Trouble) event()     {}

// Effect is something that the shell must do.
type Effect interface{ effect() }

// The effects.
type (
	// Append writes an entry to the journal.
	Append struct{ Entry statefile.Entry }

	// Prepare makes the intent durable (Record nil: it already is). Prepared answers it. The arguments are kept until the
	// run is over.
	Prepare struct {
		Run    uint64
		Job    *jobfile.Definition
		At     statefile.Time
		Record *statefile.Intent
		Args   []string // of a person
	}

	// Fork makes the pipe for the output, unless the job discards it, and starts the process. Forked or NotStarted answers
	// it.
	Fork struct{ Start Start }

	// Signal sends a signal to the process group of the run. Far: also to all other processes that provably belong to
	// the run. Leader: only to the leader of the group.
	Signal struct {
		Run    uint64
		Name   string // without SIG
		Far    bool
		Leader bool
	}

	// Probe asks how many processes are left in the run's group or, if Far, anywhere. Probed answers it.
	Probe struct {
		Run uint64
		Far bool
	}

	// Release drops the process of a run that is over.
	Release struct{ Run uint64 }

	// EndOutput ends the output of a run: the recorder writes what is left in the pipe and the end marker to the log.
	// OutputEnded answers it.
	EndOutput struct {
		Run    uint64
		Name   string              // of the job
		Job    *jobfile.Definition // nil: not known
		Marker string              // "": none
		// Discard says that the run has no pipe. Its job may say something else by now.
		Discard bool
	}

	// Marker writes a marker line to the job's log, if there is a log. If there is Output, such as that of a command that
	// notifies, each of its lines becomes a marker line, with Text in front.
	Marker struct {
		Job          *jobfile.Definition
		Text, Output string
	}

	// Deliver makes one attempt to deliver a message, once all records before it are on disk or the disk has not answered
	// for JournalWait. Delivered answers it. The
	// receiver is exactly one of Mail, Target and Command.
	Deliver struct {
		Number   uint64 // of the message
		Host     string // the name of this machine
		Events   []NotifiedEvent
		Mail     []string // addresses
		From     string   // of a mail; "": the daemon's user
		Sendmail []string
		Target   *jobfile.Target
		Command  []string            // a command of Job
		Job      *jobfile.Definition // nil: the receiver is no command
	}

	// Say writes a line to the daemon's own log. Args are alternating keys and values.
	Say struct {
		Level Level
		Text  string
		Args  []any
	}

	// Answer replies to an Order. Without Refused, the order is being carried out and Run is its run. With Outcome,
	// that run has ended. Runs are the runs that were stopped. Reload is the result of a load. No answer follows Last.
	Answer struct {
		ID      uint64
		Run     uint64
		Runs    []uint64
		Outcome *statefile.Run
		Reload  *LoadResult
		Refused *Refused
		Last    bool
	}

	// Exit ends the daemon once everything before it is on disk.
	Exit struct{ Failed, Upgrade bool }
)

// Start is everything that defines the process of a run.
type Start struct {
	Job *jobfile.Definition
	statefile.Identity
	Args   []string // added to those of the job
	Marker string   // the start marker for the log
}

// NotifiedEvent is an event that a message tells.
type NotifiedEvent struct {
	statefile.Notification
	Description string // of the job
}

func (Append) effect()    {}
func (Prepare) effect()   {}
func (Fork) effect()      {}
func (Signal) effect()    {}
func (Probe) effect()     {}
func (Release) effect()   {}
func (EndOutput) effect() {}
func (Marker) effect()    {}
func (Deliver) effect()   {}
func (Say) effect()       {}
func (Answer) effect()    {}
func (Exit) effect()      {}

// Level is the severity of a line of the daemon's log.
type Level uint8

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	Error
)
