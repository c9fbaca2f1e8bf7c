package jobfile

import (
	"cmp"
	"os"
	"time"

	"jobsd/internal/schedule"
	"jobsd/internal/trust"
)

// host is what definitions depend on that no job file says: who the daemon is, the accounts, the local time zone.
// It is read anew at each load.
type host struct {
	uid, gid int // the daemon's own; gid is the primary group of its user
	home     string
	path     string // of the daemon's environment
	accounts *accounts
	judge    *trust.Judge
	zone     *zone
	now      time.Time
	mailTo   []string // of the settings

	zones     schedule.Zones
	schedules map[string]compiled // by the keys that they were compiled from
	programs  *lookup
	sealed    []string // what is trusted only because its mount is read-only, as far as it was read
	draft     draft    // used by one job after the other
}

// compiled is a schedule and its text, shared by all jobs of one load that say the same.
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

// complete fills in what follows from the rest.
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
