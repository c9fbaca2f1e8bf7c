package core

import (
	"math"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// undefined stands for the definition of a job that has none: no load has read it yet, or its file was removed. A run
// of such a job is never retried or reported, and is stopped in the usual way. With this, no code has to ask whether
// there is a definition, unless a missing one makes a difference.
var undefined = &jobfile.Definition{Schedule: localTimes(), Rules: &jobfile.Rules{Umask: -1, SuccessCodes: []int{0}, StopSignal: "TERM",
	StopTimeout: 10 * time.Second, Log: jobfile.Log{Discard: true}, Notify: &jobfile.Notify{Failures: math.MaxInt}}}

// localTimes returns an empty schedule, so that times of a job without a definition are shown in the local time zone.
func localTimes() *schedule.Schedule {
	s, _ := schedule.Parse(schedule.Keys{}, time.Local, time.Time{})
	return s
}

func (j *job) defined() bool { return j.def != undefined }

func (r *run) defined() bool { return r.def != undefined }

// known returns a definition for the disk, which must not write to the log of a job that has none.
func known(d *jobfile.Definition) *jobfile.Definition {
	if d == undefined {
		return nil
	}
	return d
}
