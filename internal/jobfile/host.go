package jobfile

import (
	"cmp"
	"os"
	"time"

	"jobsd/internal/schedule"
	"jobsd/internal/trust"
)

// host holds the facts that definitions depend on besides the job files: the daemon's user, the accounts, the local
// time zone. Each load reads them again.
type host struct {
	uid, gid int // of the daemon; gid is the primary group of its user
	home     string
	path     string // PATH of the daemon's environment
	accounts *accounts
	judge    *trust.Judge
	zone     *zone
	now      time.Time
	mailTo   []string // the default recipients, from the settings

	zones     schedule.Zones
	schedules map[string]compiled // by the keys that they were compiled from
	programs  *lookup
	sealed    []string // paths read so far that are trusted only because their mount is read-only
	draft     draft    // reused for each job
}

// compiled is a schedule and its text, shared by all jobs of one load with the same keys.
type compiled struct {
	schedule *schedule.Schedule
	print    string
}

// thisHost reads the facts of this machine and this process.
func thisHost(now time.Time) *host {
	h := &host{uid: os.Geteuid(), path: os.Getenv("PATH"), now: now}
	h.accounts = readAccounts("/etc/passwd", "/etc/group")
	h.zone = readZone(os.LookupEnv, "/etc/localtime")
	h.complete()
	return h
}

// complete fills in what follows from the other facts.
func (h *host) complete() {
	h.gid, h.home = os.Getegid(), cmp.Or(os.Getenv("HOME"), "/")
	if me := h.accounts.byUID(uint32(h.uid)); me != nil {
		h.gid, h.home = int(me.GID), me.Home
	}
	h.judge = trust.New(h.uid, h.gid)
	h.judge.Name, h.judge.Home = h.accounts.who, h.accounts.homeOf
	h.schedules = map[string]compiled{}
	h.programs = newLookup(h.judge)
}
