package statefile

import (
	"math"
	"slices"
)

// Copy is a copy of facts that is made in steps while the facts change. A copy of a hundred thousand jobs in one step
// would keep the loop of the daemon from everything else for too long. Between two steps, each job with facts is in the
// copy, as it is now, or among the jobs that are left.
type Copy struct {
	of   *Facts
	jobs map[string]*JobFacts
	left []string // a name may be there twice, and need not have facts
}

// BeginCopy begins a copy. It ends an earlier one that is not complete.
func (f *Facts) BeginCopy() *Copy {
	f.copying = &Copy{of: f}
	f.copying.begin()
	return f.copying
}

// Step copies up to n jobs, and returns the copy when it is complete: the facts as they are now.
func (c *Copy) Step(n int) *Facts {
	for ; n > 0 && len(c.left) > 0; n-- {
		last := len(c.left) - 1
		name := c.left[last]
		c.left = c.left[:last]
		if j := c.of.Jobs[name]; j != nil { // only a damaged file contains null
			c.jobs[name] = j.clone()
		}
	}
	if len(c.left) > 0 {
		return nil
	}
	f := *c.of
	f.Notifications, f.Jobs, f.copying = slices.Clone(f.Notifications), c.jobs, nil
	if c.of.copying == c {
		c.of.copying = nil
	}
	return &f
}

// Clone returns a copy that shares nothing that Apply changes. Pointers other than those to JobFacts are shared,
// because Apply replaces their targets and never changes them.
func (f *Facts) Clone() *Facts {
	c := &Copy{of: f}
	c.begin()
	return c.Step(math.MaxInt)
}

func (j *JobFacts) clone() *JobFacts {
	k := *j
	k.Live = slices.Clone(j.Live)
	return &k
}

// begin begins again, because all jobs are about to change. Like the methods below, it does nothing if there is no copy.
func (c *Copy) begin() {
	if c == nil {
		return
	}
	c.jobs, c.left = make(map[string]*JobFacts, len(c.of.Jobs)), slices.Grow(c.left[:0], len(c.of.Jobs))
	for name := range c.of.Jobs {
		c.left = append(c.left, name)
	}
}

// changes says that a job is about to change, or is new.
func (c *Copy) changes(name string) {
	if c != nil {
		c.left = append(c.left, name)
	}
}

// forget says that a job has no facts any more.
func (c *Copy) forget(name string) {
	if c != nil {
		delete(c.jobs, name)
	}
}
