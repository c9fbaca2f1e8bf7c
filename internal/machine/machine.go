// Package machine reads the facts of this host on which job definitions depend: its accounts, its time zone, its mounts
// and its programs.
package machine

import (
	"cmp"
	"os"

	"jobsd/internal/trust"
)

// Facts are the facts of this host for one user.
type Facts struct {
	UID, GID int // GID is the primary group of the user
	Home     string
	Accounts *Accounts
	Zone     *Zone
	Judge    *trust.Judge
	Programs *Programs
}

// Here reads the facts of this host for the user of this process.
func Here() *Facts {
	return For(os.Geteuid(), ReadAccounts("/etc/passwd", "/etc/group"), ReadZone(os.LookupEnv, "/etc/localtime"))
}

// For returns the facts for a user. A user without an account has the group and the home of this process.
func For(uid int, accounts *Accounts, zone *Zone) *Facts {
	f := &Facts{UID: uid, GID: os.Getegid(), Home: cmp.Or(os.Getenv("HOME"), "/"), Accounts: accounts, Zone: zone}
	if u := accounts.ByUID(uint32(uid)); u != nil {
		f.GID, f.Home = int(u.GID), u.Home
	}
	f.Judge = trust.New(uid, f.GID)
	f.Judge.Name, f.Judge.Home = accounts.Who, accounts.homeOf
	f.Programs = newPrograms(f.Judge)
	return f
}
