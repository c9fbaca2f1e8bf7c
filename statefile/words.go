package statefile

// Reason says why a run exists. Retries keep the reason of the first run.
type Reason string

// The reasons.
const (
	ReasonSchedule Reason = "schedule" // a slot is due
	ReasonCatchUp  Reason = "catch_up" // missed slots are made up for
	ReasonBoot     Reason = "boot"     // the machine has booted
	ReasonAfter    Reason = "after"    // the jobs that it follows have succeeded
	ReasonManual   Reason = "manual"   // a person requested it
	ReasonService  Reason = "service"  // the job is a service
)

// Outcome says how a run ended.
type Outcome string

// The outcomes.
const (
	OutcomeExited     Outcome = "exited"      // with an exit code
	OutcomeSignaled   Outcome = "signaled"    // by a signal that the daemon did not send
	OutcomeTimeout    Outcome = "timeout"     // the daemon stopped it after its timeout
	OutcomeStopped    Outcome = "stopped"     // a person, a reload or a shutdown stopped it
	OutcomeStartError Outcome = "start_error" // its program did not start
	OutcomeLost       Outcome = "lost"        // nobody knows
)

// LostStage is the last that the journal knows of a run that was lost.
type LostStage string

// The stages.
const (
	LostIntent  LostStage = "intent"  // it was about to start
	LostStarted LostStage = "started" // it had a process
)

// Why says what a pending run waits for.
type Why string

// What a pending run can wait for.
const (
	WhyOverlap    Why = "overlap"     // another run of the job
	WhyDraining   Why = "draining"    // processes that an earlier run of the job left behind
	WhyLock       Why = "lock"        // a run of another job that holds the lock
	WhyMaxRunning Why = "max_running" // one of all running runs
	WhyCatchUp    Why = "catch_up"    // its delay, or another catch-up run
	WhyRetry      Why = "retry"       // the pause before the next attempt
	WhyBackoff    Why = "backoff"     // the pause before a service starts again
	WhyFork       Why = "fork"        // the pause after a start that lacked a resource
)

// Cause says why slots did not become runs.
type Cause string

// The causes. A late, past or doubtful slot is missed, the others are skipped.
const (
	CauseLate     Cause = "late"     // the daemon saw it too late
	CausePast     Cause = "past"     // the `at` of the job had passed when the job was first loaded
	CauseDoubt    Cause = "doubt"    // it may have run: a damaged journal does not say
	CauseOverlap  Cause = "overlap"  // another run was alive
	CauseReplaced Cause = "replaced" // a later slot took its place
	CauseChanged  Cause = "changed"  // a reload changed the job before the run started, as for the next
	CauseRemoved  Cause = "removed"
	CauseDisabled Cause = "disabled"       // a person disabled the job
	CauseStopped  Cause = "stopped"        // a person stopped the run before it started
	CauseShutdown Cause = "shutdown"       // the daemon stopped before the run started
	CauseError    Cause = "internal_error" // a bug in the daemon
)

// RunState is the state of a run that has not ended.
type RunState string

// The states of runs.
const (
	RunPending  RunState = "pending"
	RunStarting RunState = "starting"
	RunRunning  RunState = "running"
	RunStopping RunState = "stopping"
	RunDraining RunState = "draining"
)
