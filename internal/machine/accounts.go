package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Accounts holds the entries of passwd(5) and group(5). The package os/user does not serve here: without cgo it reads
// these files again for each name, and it does not return the shell.
type Accounts struct {
	users  []User
	groups []group
	text   string // of both files
}

// User is a user, as /etc/passwd and /etc/group had it when they were read.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // sorted; with the primary group
	Home   string
	Shell  string
}

type group struct {
	name    string
	gid     uint32
	members []string
}

// ReadAccounts reads both files. A file that cannot be read counts as empty, so a job that needs an entry is refused
// with the name.
func ReadAccounts(passwd, groups string) *Accounts {
	a := &Accounts{}
	for _, f := range fields(a.read(passwd), 7) {
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 == nil && err2 == nil {
			a.users = append(a.users, User{Name: f[0], UID: uint32(uid), GID: uint32(gid), Home: f[5], Shell: f[6]})
		}
	}
	for _, f := range fields(a.read(groups), 4) {
		if gid, err := strconv.ParseUint(f[2], 10, 32); err == nil {
			a.groups = append(a.groups, group{f[0], uint32(gid), strings.Split(f[3], ",")})
		}
	}
	return a
}

// Same reports whether both files have the same text.
func (a *Accounts) Same(o *Accounts) bool { return a.text == o.text }

func (a *Accounts) read(path string) string {
	b, _ := os.ReadFile(path)
	a.text += string(b) + "\x00"
	return string(b)
}

// fields splits the lines of a file that have at least n fields.
func fields(text string, n int) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(f) >= n && f[0] != "" && line[0] != '#' {
			all = append(all, f)
		}
	}
	return all
}

// ByUID returns the first user with that number, nil if there is none.
func (a *Accounts) ByUID(uid uint32) *User {
	i := slices.IndexFunc(a.users, func(u User) bool { return u.UID == uid })
	if i < 0 {
		return nil
	}
	return &a.users[i]
}

// User finds a user by name, else by number. A number needs no entry: listed says whether there is one.
func (a *Accounts) User(s string) (u User, listed, ok bool) {
	if i := slices.IndexFunc(a.users, func(u User) bool { return u.Name == s }); i >= 0 {
		return a.users[i], true, true
	}
	uid, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return User{}, false, false
	}
	if u := a.ByUID(uint32(uid)); u != nil {
		return *u, true, true
	}
	return User{Name: s, UID: uint32(uid), Home: "/", Shell: "/bin/sh"}, false, true
}

// Group finds a group by name, else by number. A number needs no entry.
func (a *Accounts) Group(s string) (gid uint32, ok bool) {
	if i := slices.IndexFunc(a.groups, func(g group) bool { return g.name == s }); i >= 0 {
		return a.groups[i].gid, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// GroupsOf returns the sorted supplementary groups of a user, as initgroups(3) sets them.
func (a *Accounts) GroupsOf(u User) []uint32 {
	ids := []uint32{u.GID}
	for _, g := range a.groups {
		if slices.Contains(g.members, u.Name) {
			ids = append(ids, g.gid)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// homeOf returns the number of the user whose home is this directory, -1 if no user has it.
func (a *Accounts) homeOf(path string) int {
	for _, u := range a.users {
		if filepath.Clean(u.Home) == path {
			return int(u.UID)
		}
	}
	return -1
}

// WhoIs names a user with the number: "root (uid 0)", or "uid 4242" if there is no entry.
func (a *Accounts) WhoIs(uid int) string {
	if u := a.ByUID(uint32(uid)); u != nil {
		return u.Name + " (uid " + strconv.Itoa(uid) + ")"
	}
	return "uid " + strconv.Itoa(uid)
}

// Who names a user by name, or by number if there is no entry.
func (a *Accounts) Who(uid int) string {
	if u := a.ByUID(uint32(uid)); u != nil {
		return u.Name
	}
	return "uid " + strconv.Itoa(uid)
}
