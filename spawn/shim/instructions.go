package shim

import (
	"strconv"
	"syscall"
)

// Instructions tell a shim what to do.
//
// The shim finds them in its environment, with each string of the command in its own variable. The kernel passes the
// strings unchanged, whatever their size, with the same limits as for the program's own exec (the names take a few
// bytes of the 128 KiB that a string may have). The loop has to write nothing that could block. And only the same user
// and root can read the instructions, like all of /proc/PID/environ. No variable of the command's own environment,
// such as GODEBUG, reaches the Go runtime of the shim.
type Instructions struct {
	Path        string // absolute path of the program; "": look up Args[0]
	Args, Env   []string
	Dir         string
	DirOptional bool   // use / if Dir does not exist
	EnvFile     string // "": none
	Umask       int    // -1: leave it
	Nice        int    // 0: leave it
	Limits      []Limit
	Keyring     bool  // make a session keyring
	User        *User // nil: stay the same user
}

// User has the numbers of a user and of the groups.
type User struct {
	UID, GID uint32
	Groups   []uint32
}

// Limit is a resource limit. Both the soft and the hard limit become Value.
type Limit struct {
	Name     string
	Resource int // as in setrlimit(2); negative: there is no such limit
	Value    uint64
}

// Environ returns the environment of the shim.
func (i *Instructions) Environ() []string {
	env := make([]string, 0, 16+len(i.Args)+len(i.Env))
	env = append(env, "GOMAXPROCS=1", "GOGC=off",
		"args="+strconv.Itoa(len(i.Args)), "vars="+strconv.Itoa(len(i.Env)),
		"path="+i.Path, "dir="+i.Dir, "env_file="+i.EnvFile, "umask="+strconv.Itoa(i.Umask), "nice="+strconv.Itoa(i.Nice))
	if i.DirOptional {
		env = append(env, "dir_optional=1")
	}
	if i.Keyring {
		env = append(env, "keyring=1")
	}
	if u := i.User; u != nil {
		env = append(env, "uid="+decimal(u.UID), "gid="+decimal(u.GID), "groups="+join(u.Groups, decimal))
	}
	if len(i.Limits) > 0 {
		env = append(env, "limits="+join(i.Limits, Limit.encode))
	}
	for n, s := range i.Args {
		env = append(env, "a"+strconv.Itoa(n)+"="+s)
	}
	for n, s := range i.Env {
		env = append(env, "e"+strconv.Itoa(n)+"="+s)
	}
	return env
}

// received returns the instructions in the environment, nil if there are none.
func received() *Instructions {
	r := reader{}
	i := &Instructions{
		Args: r.strings("args", "a"), Env: r.strings("vars", "e"),
		Path: get("path"), Dir: get("dir"), EnvFile: get("env_file"), Umask: r.number(get("umask")), Nice: r.number(get("nice")),
		DirOptional: get("dir_optional") != "", Keyring: get("keyring") != "",
	}
	if uid, ok := syscall.Getenv("uid"); ok {
		i.User = &User{UID: uint32(r.number(uid)), GID: uint32(r.number(get("gid")))}
		for _, g := range split(get("groups"), ',') {
			i.User.Groups = append(i.User.Groups, uint32(r.number(g)))
		}
	}
	for _, l := range split(get("limits"), ',') {
		i.Limits = append(i.Limits, r.limit(l))
	}
	if r.bad || len(i.Args) == 0 {
		return nil
	}
	return i
}

func get(name string) string {
	value, _ := syscall.Getenv(name)
	return value
}

// reader remembers whether it read anything that Environ does not write.
type reader struct{ bad bool }

func (r *reader) number(s string) int {
	n, err := strconv.Atoi(s)
	r.bad = r.bad || err != nil
	return n
}

// strings reads as many variables as the variable count says: prefix0, prefix1 and so on.
func (r *reader) strings(count, prefix string) []string {
	n := r.number(get(count))
	if r.bad || n < 0 {
		r.bad = true
		return nil
	}
	var all []string
	for i := range n {
		s, ok := syscall.Getenv(prefix + strconv.Itoa(i))
		if !ok {
			r.bad = true
			return nil
		}
		all = append(all, s)
	}
	return all
}

func (l Limit) encode() string {
	return l.Name + " " + strconv.Itoa(l.Resource) + " " + strconv.FormatUint(l.Value, 10)
}

func (r *reader) limit(s string) Limit {
	words := split(s, ' ')
	if len(words) != 3 {
		r.bad = true
		return Limit{}
	}
	value, err := strconv.ParseUint(words[2], 10, 64)
	r.bad = r.bad || err != nil
	return Limit{Name: words[0], Resource: r.number(words[1]), Value: value}
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// join is for texts without a comma.
func join[T any](all []T, text func(T) string) (s string) {
	for i, v := range all {
		if i > 0 {
			s += ","
		}
		s += text(v)
	}
	return s
}

// split is strings.Split, without the package strings: it is initialised too late, because it needs unicode.
func split(s string, separator byte) (parts []string) {
	if s == "" {
		return nil
	}
	begin := 0
	for i := range len(s) {
		if s[i] == separator {
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}
