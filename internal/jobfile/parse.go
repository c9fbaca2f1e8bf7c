package jobfile

import (
	"cmp"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"jobsd/internal/schedule"
)

// parse reads the definitions of one file. If it returns mistakes in errs, it returns no definitions. Names of targets
// that do not exist are in unknown: they may be no fault of the file, as jobsd.toml may have had these targets.
func (h *host) parse(src *source, file string, defaults *node) (defs []*Definition, unknown, errs []error) {
	root, err := tree(src, file)
	if err != nil {
		return nil, nil, []error{err}
	}
	r := &reader{host: h}
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	jobs, job := root.get("jobs"), root.get("job")
	switch {
	case jobs != nil:
		defs = r.list(root, jobs, defaults)
	case job != nil:
		r.unknown(job, "", []string{"jobs"})
	default:
		defs = []*Definition{r.job(root, stem, defaults)}
	}
	if r.errs != nil {
		return nil, r.unknownTargets, r.all(src.name)
	}
	for _, d := range defs {
		d.File = file
	}
	return defs, r.unknownTargets, nil
}

// parseStrictly is parse for a file that is not in force: a target that does not exist is a mistake too.
func (h *host) parseStrictly(src *source, file string, defaults *node) ([]*Definition, []error) {
	defs, unknown, errs := h.parse(src, file, defaults)
	if errs = append(errs, unknown...); errs != nil {
		return nil, errs
	}
	return defs, nil
}

// tree parses a file in the format of its suffix.
func tree(src *source, file string) (*node, *Error) {
	if at := invalidUTF8(src.text); at >= 0 {
		return nil, src.fail(at, "", "is not UTF-8")
	}
	parse := parseTOML
	if filepath.Ext(file) == ".json" {
		parse = parseJSON
	}
	root, err := parse(src)
	switch {
	case err != nil:
		return nil, err
	case root.kind != table:
		return nil, src.fail(root.at, "", `must be an object: one job, or {"jobs": [...]}`)
	}
	return root.withoutSchema()
}

// withoutSchema returns the table without the key $schema, by which a file names its schema for editors.
func (n *node) withoutSchema() (*node, *Error) {
	s := n.get(schemaKey)
	switch {
	case s == nil:
		return n, nil
	case s.kind != text:
		return nil, n.src.fail(s.at, schemaKey, "must be a string, not %s", known(s.kind.String()))
	}
	rest := &node{src: n.src, at: n.at, kind: table}
	for _, kid := range n.kids {
		if kid != s {
			rest.add(kid)
		}
	}
	return rest, nil
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, c := range s {
		if c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// list reads the jobs of a file that has a list of jobs.
func (r *reader) list(root, jobs, defaults *node) []*Definition {
	for _, kid := range root.kids {
		if kid != jobs {
			r.beside(kid)
		}
	}
	r.key = "jobs"
	if jobs.kind != list {
		r.wrong(jobs, `an array of jobs ("[[jobs]]" in TOML)`)
		return nil
	}
	var defs []*Definition
	seen := map[string]int32{}
	for _, n := range jobs.kids {
		r.key = "jobs"
		if n.kind != table {
			r.wrong(n, "a job (a table of keys)")
			continue
		}
		d := r.job(n, "", defaults)
		defs = append(defs, d)
		fold := strings.ToLower(d.Name)
		if line, twice := seen[fold]; twice && fold != "" {
			r.failAs("name", n.get("name"), "%q is defined twice in this file, first on line %d", d.Name, line)
		}
		seen[fold] = d.Line
	}
	return defs
}

// beside refuses keys next to the list of jobs.
func (r *reader) beside(n *node) {
	if jobKeys.byName[n.key] == nil {
		r.unknown(n, "", []string{"jobs"})
		return
	}
	r.failAs(n.key, n, `cannot be next to "jobs": a file is one job or a list of jobs; move the key into a job`)
}

// job reads one job. Its default name is stem.
func (r *reader) job(n *node, stem string, defaults *node) *Definition {
	d := &r.host.draft
	*d = jobKeys.zero
	d.Definition.Rules = &d.Rules
	line, _ := n.src.position(n.at)
	d.Line = int32(line)
	if len(n.kids) == 0 {
		r.missing(n, "", `contains no job: add "cmd" or "shell"`)
		return &Definition{Rules: &Rules{}}
	}
	before := r.mistakes()
	r.key = ""
	jobKeys.read(r, merge(n, defaults, isService(n)), d)
	r.finish(n, d, stem, r.mistakes() == before)
	def := d.Definition
	def.Rules = r.host.rules.share(&d.Rules)
	return &def
}

func isService(n *node) bool {
	k := n.get("keep_alive")
	return k != nil && (k.kind == table || k.num == 1)
}

// merge returns the job n with the defaults for the keys that it does not set, table by table. It leaves out defaults
// that a service cannot have.
func merge(n, defaults *node, service bool) *node {
	if defaults == nil || len(defaults.kids) == 0 {
		return n
	}
	m := &node{src: n.src, at: n.at, key: n.key, keyAt: n.keyAt, kind: n.kind}
	for _, kid := range n.kids {
		if d := defaults.get(kid.key); d != nil && d.kind == table && kid.kind == table {
			kid = merge(kid, d, false)
		}
		m.add(kid)
	}
	for _, d := range defaults.kids {
		k := jobKeys.byName[d.key]
		if n.get(d.key) == nil && !(service && k != nil && k.marks&unfit != 0) {
			m.add(d)
		}
	}
	return m
}

// finish checks the keys against each other and completes the definition. n is the job in the file; whole is true if
// each key by itself is valid.
func (r *reader) finish(n *node, d *draft, stem string, whole bool) {
	r.key = ""
	r.name(n, d, stem)
	r.command(n, d)
	r.when(n, d)
	r.together(n, d)
	r.account(n, d)
	r.recipients(n, d)
	r.expectations(n, d)
	d.KeepLeftovers = d.leftovers == "keep"
	d.StopLeader = d.stop == "leader"
	d.Notify = d.notify.complete(r.host.mailTo)
	if !whole || len(d.Argv) == 0 || d.Schedule == nil {
		return
	}
	d.Program = r.host.program(&d.Definition, d.Argv[0])
	d.DirMayHang = !r.host.Programs.IsSafe(r.host.dirOf(&d.Definition))
	d.hash()
}

// missing reports a missing key of the job.
func (r *reader) missing(n *node, key, format string, args ...any) {
	r.note(n, n.at, key, format, args...)
}

func (r *reader) name(n *node, d *draft, stem string) {
	switch {
	case n.get("name") != nil:
	case stem == "":
		r.missing(n, "name", "is missing: each job of a list needs one")
	case badName(stem) != "":
		r.missing(n, "name", `%q, the name of the file, %s: add the key "name"`, stem, badName(stem))
	default:
		d.Name = stem
	}
}

func (r *reader) command(n *node, d *draft) {
	cmd, shell := n.get("cmd"), n.get("shell")
	switch {
	case cmd == nil && shell == nil:
		r.missing(n, "cmd", `is missing: add a command, as in cmd = ["backup", "--all"], or a script as "shell"`)
	case cmd != nil && shell != nil:
		r.failAs("shell", shell, "cmd and shell exclude each other; keep one of them")
	case cmd != nil:
		d.Argv = d.cmd
	default:
		d.Argv, d.Shell = []string{"/bin/sh", "-c", d.script}, true
	}
}

// when compiles the schedule.
func (r *reader) when(n *node, d *draft) {
	var first *node
	for _, kid := range n.kids {
		k := jobKeys.byName[kid.key]
		if k == nil || k.marks&when == 0 || kid.key == "keep_alive" && !isService(n) {
			continue
		}
		if first != nil && (kid.key == "keep_alive" || first.key == "keep_alive") { // schedule.Parse checks the other pairs
			r.failAs(kid.key, kid, "%s and %s exclude each other; keep one of them, or make two jobs",
				known(first.key), known(kid.key))
		}
		if first == nil {
			first = kid
		}
	}
	h := r.host
	key := keyOf(d.when)
	if _, ok := h.schedules[key]; !ok {
		s, errs := h.zones.Parse(d.when, h.Zone.Location, h.now)
		for _, e := range errs {
			r.schedule(n, e)
		}
		if s == nil {
			return
		}
		h.schedules[key] = compiled{s, s.String()}
	}
	d.Schedule, d.schedule = h.schedules[key].schedule, h.schedules[key].print
}

// keyOf returns a text that is equal only for equal schedules.
func keyOf(k schedule.Keys) string {
	if k.StartAt == nil && k.Days == nil && k.Cron == nil && k.Every == nil && k.From == nil && k.At == nil && k.Timezone == nil {
		return ""
	}
	var b []byte
	for _, list := range [][]string{k.StartAt, k.Days, k.Cron} {
		if list != nil {
			b = printList(printText[string])(b, list)
		}
		b = append(b, ' ')
	}
	for _, s := range []*string{k.Every, k.From, k.At, k.Timezone} {
		if s != nil {
			b = printText(b, *s)
		}
		b = append(b, ' ')
	}
	return string(b)
}

// schedule reports an error of the schedule package at its position. A default stands in another file.
func (r *reader) schedule(n *node, e *schedule.Error) {
	at := n.place(e.Key)
	switch {
	case at.kind == list && e.Index < len(at.kids) && at.kids[e.Index].value() == e.Value:
		at = at.kids[e.Index]
	case at.kind == list || at.value() != e.Value: // the position of the key itself
		at = &node{src: at.src, at: at.keyAt}
	}
	reason := e.Error()
	if at.src.secret {
		reason = "is not valid"
	}
	r.note(at, at.at, e.Key, "%s", known(reason))
}

// together refuses keys that cannot be combined.
func (r *reader) together(n *node, d *draft) {
	if d.KeepAlive != nil {
		for _, kid := range n.kids {
			if k := jobKeys.byName[kid.key]; k != nil && k.marks&unfit != 0 {
				r.failAs(k.name, kid, "cannot be used with keep_alive")
			}
		}
	}
	longest := n.get("retry_max_delay")
	switch {
	case longest == nil:
		if d.RetryMaxDelay < d.RetryDelay {
			d.RetryMaxDelay = d.RetryDelay
		}
	case d.RetryMaxDelay < d.RetryDelay:
		r.failAs("retry_max_delay", longest, "must not be less than retry_delay")
	}
}

// complete returns the notifications of the job. mailTo are the recipients unless the job sets its own or names targets.
func (n *notification) complete(mailTo []string) *Notify {
	switch {
	case n.mail != nil:
		mailTo = *n.mail
	case len(n.To) > 0:
		mailTo = nil
	}
	if len(mailTo) == 0 && len(n.To) == 0 && n.OnStart == nil && n.OnFailure == nil && n.OnSuccess == nil && n.OnRecovery == nil {
		return nil
	}
	c := n.Notify
	c.Mail = mailTo
	return &c
}

// account sets the user and the groups of the job. A daemon that is not root cannot start jobs of other users; its own
// user may be named.
func (r *reader) account(n *node, d *draft) {
	if d.user == "" && d.group == "" {
		return
	}
	refuse := func(key, format string, args ...any) {
		at := n.place(key)
		r.note(at, at.at, key, format, args...)
	}
	h := r.host
	u, listed, userKnown := h.Accounts.User(cmp.Or(d.user, strconv.Itoa(h.UID)))
	gid, groupKnown := u.GID, true
	if d.group != "" {
		gid, groupKnown = h.Accounts.Group(d.group)
	}
	switch {
	case !userKnown:
		refuse("user", "there is no user %q", d.user)
	case !groupKnown:
		refuse("group", "there is no group %q", d.group)
	case !listed && d.group == "":
		refuse("user", "there is no user with number %s: set the group too", d.user)
	case h.UID == 0:
		u.GID = gid
		u.Groups = h.Accounts.GroupsOf(u)
		d.User = &u
	case int(u.UID) != h.UID:
		refuse("user", "only a daemon that runs as root can run jobs of other users: this one runs as %s",
			known(h.Accounts.Who(h.UID)))
	case int(gid) != h.GID:
		refuse("group", "only a daemon that runs as root can run jobs of other groups")
	}
}
