package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// Event is what happened outside: a wake-up turned into data.
type Event interface{ event() }

// The events.
type (
	// Due says that a timer may have come due, or that the wall clock may have been set.
	Due struct{}

	// Loaded hands over one finished set of definitions. Begun and Done are readings of the boot clock.
	Loaded struct {
		Set         *jobfile.Set
		Begun, Done time.Duration
	}

	// Prepared says that the disk did what Prepare asked: the intent is durable and the log is open. Err says what
	// of this could not be done.
	Prepared struct {
		Run uint64
		Err error
	}

	// Forked says that the run's process lives. Executing: its exec is done, else Executed or NotStarted follows.
	Forked struct {
		Run       uint64
		PID       int
		Inode     uint64
		PIDStart  uint64
		Executing bool
	}

	// Executed says that the shim of the run has become the job's program.
	Executed struct{ Run uint64 }

	// NotStarted says that a start failed. Weather: for want of a resource that comes back by itself. Busy: the
	// program was being written.
	NotStarted struct {
		Run           uint64
		Error         statefile.StartError
		Text          string
		Weather, Busy bool
	}

	// Exited says that the leader of the run was reaped. Left counts the processes that it has left, as far as is
	// known; Group: some of them are in its group.
	Exited struct {
		Run       uint64
		Code      int    // -1 when it died of Signal
		Signal    string // without SIG
		Core      bool
		User, Sys time.Duration
		MaxRSS    int64
		Left      int
		Group     bool
		Unknown   bool // it ended, nobody knows how
	}

	// Probed answers Probe.
	Probed struct {
		Run  uint64
		Left int
	}

	// Killed says which processes of a run were killed that had left its group.
	Killed struct {
		Run  uint64
		PIDs []int
	}

	// Orphan says that a process was reaped that led no run: perhaps the last of a draining group.
	Orphan struct{}

	// Adopted says whether the process of a run that outlived the daemon before this one was found alive. PID, Inode
	// and PIDStart are its own, should the journal not know them yet; they are 0 where something of the run lives and
	// nobody can tell which process leads it. Remains: it is not alive, but something that it has left behind may be.
	Adopted struct {
		Run      uint64
		Alive    bool
		Remains  bool
		Child    bool // of this daemon, which has only changed its program
		PID      int
		Inode    uint64
		PIDStart uint64
	}

	// Shutdown stops all jobs and then the daemon; Hurry kills them; Leave leaves them running. Upgrade: and another
	// program goes on under the same pid.
	Shutdown struct {
		By                    string
		Hurry, Leave, Upgrade bool
	}

	// Order is what a person asks for. Answer replies, by ID: at once, and once more at the end to who waits for that.
	Order struct {
		ID     uint64
		Verb   Verb
		Job    string        // "": all, of enable and disable
		Run    uint64        // of stop and signal: only this one
		By     string        // "root (uid 0)" or "uid N"
		Reason string        // of disable
		Until  time.Time     // of stop, restart and disable: when the job may run again; zero: when a person says so
		Signal string        // of signal: its name without SIG
		Group  bool          // of signal: to the whole process group, not only to its leader
		Args   []string      // of start and restart: added to those of the job
		In     time.Duration // of start: so much later
		Wait   bool          // of start and restart: for the outcome
	}

	// Reminded says that Remind is due.
	Reminded struct {
		Job string
		Run uint64
	}

	// Trouble sets or clears (Text = "") what is wrong with a part of the daemon.
	Trouble struct{ Part, Text string }
)

func (Due) event()        {}
func (Loaded) event()     {}
func (Prepared) event()   {}
func (Forked) event()     {}
func (Executed) event()   {}
func (NotStarted) event() {}
func (Exited) event()     {}
func (Probed) event()     {}
func (Killed) event()     {}
func (Orphan) event()     {}
func (Adopted) event()    {}
func (Shutdown) event()   {}
func (Order) event()      {}
func (Reminded) event()   {}
func (Trouble) event()    {}

// Effect is what is to be done outside.
type Effect interface{ effect() }

// The effects.
type (
	// Append writes an entry to the journal.
	Append struct{ Entry statefile.Entry }

	// Prepare makes the intent durable (Record nil: it is already) and opens the job's log. Prepared answers.
	Prepare struct {
		Run    uint64
		Job    *jobfile.Definition
		At     statefile.Time
		Record *statefile.Intent
		Letter *Letter // to be written down for the mailer to read
		Mark   string  // for the job's log, of a notification
	}

	// Fork starts the process. Forked or NotStarted answers. Without a log its output goes nowhere.
	Fork struct{ Start Start }

	// Signal sends a signal to the process group of the run. Far: and to all else that is proven to be of the run.
	// Leader: to the leader of the group alone.
	Signal struct {
		Run    uint64
		Name   string // without SIG
		Far    bool
		Leader bool
	}

	// Probe asks how many processes are left in the run's group, or, if Far, anywhere. Probed answers.
	Probe struct {
		Run uint64
		Far bool
	}

	// Release forgets the process of the run: it is over.
	Release struct{ Run uint64 }

	// Finish appends the outcome and writes the mark to the job's log.
	Finish struct {
		Job    *jobfile.Definition // nil: not known any more
		Record *statefile.Ended
		At     statefile.Time
		Mark   string
	}

	// EndOutput writes the mark to the job's log and appends where the output of the run is. It follows a Finish that said
	// that the output goes on.
	EndOutput struct {
		Job    *jobfile.Definition // nil: not known
		Record *statefile.Output
		At     statefile.Time
		Mark   string
	}

	// KeepLog has the size of a log watched for a run that an earlier daemon began; for others Prepare does.
	KeepLog struct {
		Run uint64
		Job *jobfile.Definition
	}

	// Mark writes a line to the job's log, where a log is kept.
	Mark struct {
		Job  *jobfile.Definition
		Text string
	}

	// Say writes a line to the daemon's own log. Args are keys and values by turns.
	Say struct {
		Level Level
		Text  string
		Args  []any
	}

	// Answer replies to an Order. Without Refused it is being carried out, and Run is the run it is about; with Outcome
	// that run has ended; Runs are those that were stopped. After Last there is no other.
	Answer struct {
		ID      uint64
		Run     uint64
		Runs    []uint64
		Outcome *statefile.Run
		Refused *Refused
		Last    bool
	}

	// Remind asks for Reminded when the boot clock reads At.
	Remind struct {
		Reminded
		At time.Duration
	}

	// Exit ends the daemon once all that came before is on disk.
	Exit struct{ Failed, Upgrade bool }
)

// Start is all that the process of a run is made of.
type Start struct {
	Job     *jobfile.Definition
	Run     uint64
	Slot    statefile.Time
	Reason  string
	Attempt int
	Args    []string // added to those of the job
	Env     []string // of a notification: what it tells
	Mail    bool     // its input is the Letter
}

func (Append) effect()    {}
func (Prepare) effect()   {}
func (Fork) effect()      {}
func (Signal) effect()    {}
func (Probe) effect()     {}
func (Release) effect()   {}
func (Finish) effect()    {}
func (EndOutput) effect() {}
func (KeepLog) effect()   {}
func (Mark) effect()      {}
func (Say) effect()       {}
func (Answer) effect()    {}
func (Remind) effect()    {}
func (Exit) effect()      {}

// Level is how much a line of the daemon's log matters.
type Level uint8

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	Error
)
