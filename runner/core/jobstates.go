package core

import (
	"slices"

	"jobsd/internal/jobfile"
)

// jobState is the state of a job's definition.
type jobState uint8

// These are the states of a definition. The state file shows a job with a live run as running, whatever the state of its
// definition. Removal wins over arming: a job that is removed in needsArm is not armed.
const (
	waiting     jobState = iota // idle: no schedule, disabled, elsewhere, held or done. A service waits, too: only its run shows activity
	needsArm                    // the next slot must be computed, or the service brought into its wanted state
	armed                       // a timer waits for the next slot; an armed definition is never changed, a change makes a new one
	needsDelete                 // a run is alive, but no file defines the job any longer, or no load has read one yet; never started again
	deleted                     // gone; the last record is in the journal
	nJobStates
)

// jobStates are the names of the states, here and in the state file.
var jobStates = [nJobStates]string{
	waiting: "waiting", needsArm: "needs_arm", armed: "armed", needsDelete: "needs_delete", deleted: "deleted"}

func (s jobState) String() string { return jobStates[s] }

// jobEvent is what can happen to a definition.
type jobEvent uint8

const (
	jeDefine  jobEvent = iota // a file defines it, for the first time or with a change
	jeRemove                  // its definition was removed
	jeDisturb                 // its next slot may have changed
	jeRing                    // its timer is due
	jeTurn                    // the end of the turn
	jeEmpty                   // its last run is over
	nJobEvents
)

// jobEvents are the names of the events in the diagram of HACKING.md.
var jobEvents = [nJobEvents]string{
	jeDefine: "defined", jeRemove: "removed", jeDisturb: "disturbed", jeRing: "timer", jeTurn: "end of turn", jeEmpty: "last run over"}

func (e jobEvent) String() string { return jobEvents[e] }

// jobMove is how a job handles an event; d is the new definition and only set for jeDefine.
type jobMove func(c *Core, j *job, d *jobfile.Job)

// jobCell is one cell of the table, as runCell is.
type jobCell struct {
	do jobMove
	to []jobState
}

func jobs(do jobMove, to ...jobState) jobCell { return jobCell{do, to} }

func jobNever(why string) jobCell {
	return jobCell{func(c *Core, j *job, _ *jobfile.Job) { c.never("%s is %s: %s", j.name, j.state, why) }, nil}
}

func stay(*Core, *job, *jobfile.Job) {}

// jobMoves is the life of a definition. No cell is empty.
var jobMoves [nJobStates][nJobEvents]jobCell

func init() {
	const (
		noDefinition = "no file defines it"
		noTimer      = "its timer was stopped"
		forgotten    = "it was deleted, and its name is free for a new job"
	)
	jobMoves = [nJobStates][nJobEvents]jobCell{
		waiting: {
			jeDefine:  jobs(adjust, needsArm),
			jeRemove:  jobs(remove, needsDelete, deleted),
			jeDisturb: jobs(needArm, needsArm),
			jeRing:    jobs(needArm, needsArm), // a service has become stable
			jeTurn:    jobs(stay, waiting),     // it was already handled
			jeEmpty:   jobs(stay, waiting),
		},
		needsArm: {
			jeDefine:  jobs(adjust, needsArm),
			jeRemove:  jobs(remove, needsDelete, deleted),
			jeDisturb: jobs(stay, needsArm),
			jeRing:    jobs(stay, needsArm),
			jeTurn:    jobs(arm, waiting, armed, needsArm), // an unwanted run of a service may have ended here
			jeEmpty:   jobs(stay, needsArm),
		},
		armed: {
			jeDefine:  jobs(adjust, needsArm),
			jeRemove:  jobs(remove, needsDelete, deleted),
			jeDisturb: jobs(needArm, needsArm),
			jeRing:    jobs(needArm, needsArm),
			jeTurn:    jobs(stay, armed),
			jeEmpty:   jobs(stay, armed),
		},
		needsDelete: {
			jeDefine:  jobs(adjust, needsArm),
			jeRemove:  jobNever(noDefinition),
			jeDisturb: jobs(stay, needsDelete),
			jeRing:    jobNever(noTimer),
			jeTurn:    jobs(stay, needsDelete), // removal wins over arming
			jeEmpty:   jobs(remember, deleted),
		},
		deleted: {
			jeDefine:  jobNever(forgotten),
			jeRemove:  jobNever(forgotten),
			jeDisturb: jobs(stay, deleted), // it stays in the list of jobs until the end of the turn
			jeRing:    jobNever(noTimer),
			jeTurn:    jobs(stay, deleted),
			jeEmpty:   jobNever(forgotten),
		},
	}
}

// moveJob handles an event of a job by the table.
func (c *Core) moveJob(j *job, ev jobEvent, d *jobfile.Job) {
	c.turn.inHand = j.name
	defer c.rescueJob(j)
	from, cell := j.state, &jobMoves[j.state][ev]
	cell.do(c, j, d)
	if c.o.Visited != nil {
		c.o.Visited("job", 0, int(from), int(ev), int(j.state))
	}
	if cell.to != nil && !slices.Contains(cell.to, j.state) {
		c.never("%s went from %s to %s at %s", j.name, from, j.state, jobEvents[ev])
	}
}
