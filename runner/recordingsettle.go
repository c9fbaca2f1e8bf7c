package runner

import (
	"fmt"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
)

// settle compares the runs of the earlier daemon with the outputs that the recorder has, once both are known. The output
// of a run that is over ends. If there was no recorder, the runs that are alive cannot write any more, and their logs say
// so.
func (r *recording) settle(c *core.Core, alive map[uint64]*process) {
	if r.settled {
		return
	}
	for run, p := range alive {
		if p.adopted {
			r.adopted[run] = true
		}
	}
	if !c.Known() || r.seeking || r.conn != nil && !r.greeted {
		return
	}
	r.settled = true
	for run, o := range r.outputs {
		if !o.ending && !o.ended && !c.Lives(run) {
			r.end(core.EndOutput{Run: run, Name: o.job})
		}
	}
	if r.orphaned {
		for run := range r.adopted {
			if p := alive[run]; p != nil && r.outputs[run] == nil {
				r.lose(run, c.Definition(p.job))
			}
		}
	}
	r.adopted = nil
}

// lose says in the log of a run that nobody reads its output any more.
func (r *recording) lose(run uint64, d *jobfile.Definition) {
	if d == nil || d.Log.Discard {
		return
	}
	o := &output{job: d.Name, log: r.logOf(d), read: -1, write: -1, began: true, notice: outputLost(run)}
	r.outputs[run] = o
	if r.send(run, o); r.conn != nil {
		o.notice = ""
	}
}

func outputLost(run uint64) string {
	return fmt.Sprintf("run %d: the daemon and the recorder were killed; the output of the run from here on is lost", run)
}
