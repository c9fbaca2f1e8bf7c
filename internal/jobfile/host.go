package jobfile

import (
	"os"
	"time"

	"jobsd/internal/machine"
	"jobsd/internal/schedule"
)

// host is what the jobs of one load share: the facts of this machine, and what was computed from them. Each load reads
// the facts again.
type host struct {
	*machine.Facts
	path string // PATH of the daemon's environment
	now  time.Time

	// From the settings:
	mailTo  []string           // the default recipients
	targets map[string]*Target // nil: not known, so that every name of a target is fine

	zones     schedule.Zones
	schedules map[string]compiled // by the keys that they were compiled from
	rules     sharedRules
	draft     draft  // reused for each job
	buffer    []byte // reused for each file
}

// compiled is a schedule and its text, shared by all jobs of one load with the same keys.
type compiled struct {
	schedule *schedule.Schedule
	print    string
}

func newHost(facts *machine.Facts, now time.Time) *host {
	return &host{Facts: facts, path: os.Getenv("PATH"), now: now, schedules: map[string]compiled{}}
}

// use takes over what jobs need from the settings.
func (h *host) use(c *Config) {
	h.mailTo, h.targets = c.Mail.To, c.Targets
	if h.targets == nil && !c.unknown {
		h.targets = map[string]*Target{}
	}
}

// thisHost reads the facts of this machine and this process.
func thisHost(now time.Time) *host { return newHost(machine.Here(), now) }
