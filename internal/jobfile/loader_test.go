package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/machine"
)

// box is a jobs directory and its loader.
type box struct {
	testing.TB
	dir, accepted string
	o             Options
	loader        *Loader
}

func newBox(t testing.TB) *box {
	dir := safeDir(t)
	root := filepath.Dir(dir)
	chmod(t, root, 0o755)
	b := &box{TB: t, dir: dir, accepted: filepath.Join(root, "state", "accepted")}
	if err := os.Mkdir(filepath.Dir(b.accepted), 0o755); err != nil {
		t.Fatal(err)
	}
	b.o = Options{Jobs: dir, Accepted: b.accepted, Config: filepath.Join(root, "jobsd.toml"), Host: "desk.example.org",
		Now: func() time.Time { return noon }}
	b.loader = NewLoader(b.o)
	return b
}

// restart replaces the loader, as after a restart of the daemon.
func (b *box) restart() { b.loader = NewLoader(b.o) }

func (b *box) put(name, text string) string { return put(b, b.dir, name, text) }

func (b *box) config(text string) { put(b, filepath.Dir(b.dir), "jobsd.toml", text) }

func (b *box) remove(name string) {
	b.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, name)); err != nil {
		b.Fatal(err)
	}
}

// load loads and compares: jobs as "name=description" with "!" after stale ones, and the beginnings of the errors.
func (b *box) load(jobs string, errs ...string) *Set {
	b.Helper()
	set := b.loader.Load()
	var got []string
	for _, j := range set.Jobs {
		s := j.Def.Name + "=" + j.Def.Description
		if j.Stale != "" {
			s += "!"
		}
		got = append(got, s)
	}
	if s := strings.Join(got, " "); s != jobs {
		b.Errorf("jobs: got  %s\n      want %s", s, jobs)
	}
	ok := len(errs) == len(set.Errors)
	for i := range min(len(errs), len(set.Errors)) {
		ok = ok && strings.HasPrefix(set.Errors[i].Error(), errs[i])
	}
	if !ok {
		b.Errorf("errors:\ngot  %s\nwant %s", texts(set.Errors, "\n     "), strings.Join(errs, "\n     "))
	}
	return set
}

// texts joins the texts of mistakes.
func texts(errs []*Error, separator string) string {
	var all []string
	for _, e := range errs {
		all = append(all, e.Error())
	}
	return strings.Join(all, separator)
}

// kept returns the names of the accepted copies.
func (b *box) kept() string {
	entries, _ := os.ReadDir(b.accepted)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			b.Errorf("%v: %v", e, err)
		}
	}
	return strings.Join(names, " ")
}

func (b *box) wantKept(want string) {
	b.Helper()
	if got := b.kept(); got != want {
		b.Errorf("accepted copies: got %q, want %q", got, want)
	}
}

func job(description string) string {
	return fmt.Sprintf("description = %q\ncmd = [\"true\"]\n", description)
}

func TestVersionRescued(t *testing.T) {
	l := NewLoader(Options{})
	l.host = nil // causes a panic, like a bug
	if _, errs := l.version("a.toml", "a.toml", "cmd = [1]", false); len(errs) != 1 || !strings.Contains(errs[0].Error(), "a.toml: internal error") {
		t.Errorf("%v", errs)
	}
}

func TestRefusedStopsNothing(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.put("b.json", `{"cmd": ["true"], "description": "1"}`)
	b.put("c.toml", job("1"))
	b.load("a=1 b=1 c=1")
	b.wantKept("")

	b.put("a.toml", job("2"))
	b.put("b.json", `{"cmd": ["true"], "descr": "2"}`)
	b.put("c.toml", job("2"))
	bad := `b.json:1:19: descr: unknown key; did you mean "description"?`
	set := b.load("a=2 b=1! c=2", bad)
	if set.Refused != 1 || set.Files != 3 || set.Jobs[1].Stale != bad {
		t.Errorf("%+v", set)
	}
	b.wantKept("b.json")
	b.load("a=2 b=1! c=2", bad)

	b.restart()
	b.load("a=2 b=1! c=2", bad)
	b.wantKept("b.json")

	b.put("b.json", `{"cmd": ["true"], "description": "3"}`)
	b.load("a=2 b=3 c=2")
	b.wantKept("")

	b.put("b.json", `{`)
	b.load("a=2 b=3! c=2", "b.json:1:2: not valid JSON")
	b.remove("b.json")
	b.load("a=2 c=2")
	b.wantKept("")
}

func TestAcceptedCopies(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.put("b.toml", job("1"))
	b.put("c.toml", job("1"))
	b.load("a=1 b=1 c=1")
	b.put("a.toml", "cmd")
	b.put("b.toml", "cmd")
	b.put("c.toml", "cmd")
	b.load("a=1! b=1! c=1!", "a.toml:1:", "b.toml:1:", "c.toml:1:")
	b.wantKept("a.toml b.toml c.toml")

	// Somebody removed the copies and their whole parent directory, which this package must not create again.
	state := filepath.Dir(b.accepted)
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	b.load("a=1! b=1! c=1!", "a.toml: cannot save", "b.toml: cannot save", "c.toml: cannot save", "a.toml:1:", "b.toml:1:", "c.toml:1:")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatalf("the folder was made: %v", err)
	}
	b.load("a=1! b=1! c=1!", "a.toml:1:", "b.toml:1:", "c.toml:1:")
	b.wantKept("a.toml b.toml c.toml")

	// The files change while the daemon is down.
	b.put("a.toml", job("2"))
	b.remove("b.toml")
	write(t, filepath.Join(b.accepted, "c.toml"), "secret")
	b.restart()
	b.load("a=2", "accepted/c.toml:1:", "c.toml:1:")
	b.wantKept("c.toml")
}

func TestDirectoryGone(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.load("a=1")
	if err := os.Rename(b.dir, b.dir+".away"); err != nil {
		t.Fatal(err)
	}
	b.load("a=1!", b.dir+": no such file or directory: mkdir -p -m 755 ")
	b.restart()
	b.load("a=1!", b.dir+": no such file or directory: mkdir -p -m 755 ")
	if err := os.Rename(b.dir+".away", b.dir); err != nil {
		t.Fatal(err)
	}
	b.load("a=1")
	b.wantKept("")
}

func TestDuplicates(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", "name = \"x\"\ndescription = \"a\"\ncmd = [\"true\"]\n")
	b.load("x=a")
	b.put("b.json", "{\"jobs\": [{\"name\": \"y\", \"cmd\": [\"true\"]},\n{\"name\": \"X\", \"cmd\": [\"true\"]}]}")
	b.put("c.toml", "cmd = [\"true\"]\nname = 'x'")
	b.load("x=a!",
		`a.toml:1:1: name: "x" is also the name of a job in b.json, c.toml: rename all but one`,
		`b.json:2:2: name: "X" is also the name of a job in a.toml, c.toml: rename all but one`,
		`c.toml:2:1: name: "x" is also the name of a job in a.toml, b.json: rename all but one`)
	b.wantKept("a.toml")
	b.remove("c.toml")
	b.put("b.json", `{"jobs": [{"name": "y", "cmd": ["true"]}]}`)
	b.load("x=a y=")
	b.wantKept("")
}

func TestGoodTakesNameOfStale(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", "[[jobs]]\nname = \"x\"\ndescription = \"a\"\ncmd = [\"true\"]\n[[jobs]]\nname = \"y\"\ncmd = [\"true\"]\n")
	b.load("x=a y=")
	b.put("a.toml", "no")
	b.put("b.toml", "name = \"x\"\ndescription = \"b\"\ncmd = [\"true\"]\n")
	b.load("x=b y=!", "a.toml:1:")
	b.put("b.toml", "no")
	b.load("x=b! y=!", "a.toml:1:", "b.toml:1:") // the newer one
}

func TestAfter(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.put("b.toml", "cmd = [\"true\"]\nafter = [\"a\", \"c\"]")
	b.put("c.toml", "cmd = [\"true\"]\nafter = [\n \"d\"]")
	b.load("a=1", `b.toml:2:15: after: there is no job "c"`, `c.toml:3:2: after: there is no job "d"`)
	b.put("d.toml", job(""))
	b.load("a=1 b= c= d=")
	b.put("d.toml", "cmd = [\"true\"]\nafter = [\"b\"]")
	b.load("a=1 b=! c=! d=!",
		`b.toml:2:10: after: b waits for itself: b after c after d after b`,
		`c.toml:3:2: after: c waits for itself: c after d after b after c`,
		`d.toml:2:10: after: d waits for itself: d after b after c after d`)
	b.put("d.toml", "cmd = [\"true\"]\nafter = [\"d\"]")
	b.load("a=1 b= c= d=!", `d.toml:2:10: after: d waits for itself: d after d`)
	b.remove("a.toml")
	b.load("b=! c= d=!", `b.toml:2:10: after: there is no job "a"`, `d.toml:2:10: `)
}

func TestSamePointers(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.put("b.toml", job("1"))
	first := b.load("a=1 b=1")
	b.put("a.toml", job("1")) // unchanged
	b.put("b.toml", job("2"))
	second := b.load("a=1 b=2")
	if first.Jobs[0].Def != second.Jobs[0].Def {
		t.Error("a file with the same content has another definition")
	}
	if first.Jobs[1].Def == second.Jobs[1].Def || first.Jobs[1].Def.Description != "1" {
		t.Error("a definition was changed")
	}
	b.config("[defaults]\nsuccess_codes = [0, 1]\n")
	third := b.load("a=1 b=2")
	if third.Jobs[0].Def == second.Jobs[0].Def || len(third.Jobs[0].Def.SuccessCodes) != 2 {
		t.Error("the defaults did not change")
	}
	if !slices.Equal(third.Settings, []string{"defaults"}) || third.DirsChanged || second.Settings != nil {
		t.Error(third, second)
	}
}

// TestSameSizeAndTime changes a file without changing its size or modification time.
func TestSameSizeAndTime(t *testing.T) {
	b := newBox(t)
	path := b.put("a.toml", job("1"))
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 9 {
		d := fmt.Sprint(i)
		write(t, path, job(d))
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		b.load("a=" + d)
	}
}

// TestCachedFile checks that a file with an old stamp is not read again.
func TestCachedFile(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", job("1"))
	b.load("a=1")
	f := b.loader.files[0]
	for deadline := time.Now().Add(20 * time.Second); !f.settled; {
		if time.Now().After(deadline) {
			t.Fatal("the file never gets old enough")
		}
		b.loader.Load()
	}
	f.now.text = "" // a read would find the difference
	def := f.now.defs[0]
	if set := b.load("a=1"); set.Jobs[0].Def != def {
		t.Error("the file was read again")
	}
}

func TestIgnored(t *testing.T) {
	b := newBox(t)
	for _, name := range []string{".x.toml", "x.toml~", ".x.toml.swp", "x.toml.bak", "x.toml.rpmnew", "x.toml.dpkg-dist",
		".#x.toml", "README", "x.TOML", "x.yaml", "#x.toml#"} {
		b.put(name, "this is not for us")
	}
	if err := os.Mkdir(filepath.Join(b.dir, "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.put("a.toml", job(""))
	want := []string{"#x.toml#", "README", "more", "x.TOML", "x.toml.bak", "x.toml.dpkg-dist", "x.toml.rpmnew", "x.toml~", "x.yaml"}
	if set := b.load("a="); !slices.Equal(set.Ignored, want) || set.Passed != len(want)+3 || set.Files != 1 {
		t.Error(set.Ignored, set.Passed, set.Files)
	}
}

func TestOddFileNames(t *testing.T) {
	b := newBox(t)
	b.put("a\nb.toml", job(""))
	b.put(strings.Repeat("x", 220)+".toml", job(""))
	b.load("", `"a\nb.toml": the name has unprintable characters: rename the file`, strings.Repeat("x", 220)+".toml: the name is longer than 200 bytes: rename the file")
}

func TestConfigInForce(t *testing.T) {
	b := newBox(t)
	b.config("machine = \"other\"\nstate_dir = \"s\"\n[defaults]\nenv = {A = \"1\", B = \"1\"}\nlog.discard = true\n")
	b.put("a.toml", "cmd = [\"true\"]\nenv.B = \"2\"\n")
	set := b.load("a=")
	d := set.Jobs[0].Def
	if fmt.Sprintf("%v %t %s", d.Env, d.Log.Discard, set.Host) != "[A=1 B=2] true other" {
		t.Error(d.Env, d.Log.Discard, set.Host)
	}
	if want := filepath.Join(filepath.Dir(b.dir), "s"); set.Config.Dirs.State != want {
		t.Error(set.Config.Dirs)
	}
	b.config("machine = 3\nname = \"x\"\n")
	set = b.load("a=", "jobsd.toml:1:11: machine: must be a string, not a number", "jobsd.toml:2:1: name: unknown key")
	if set.Host != "other" || set.Settings != nil || set.Jobs[0].Def != d {
		t.Error(set.Host, set.Settings)
	}
	b.config("state_dir = \"t\"\n")
	if set = b.load("a="); set.Host != "desk.example.org" || len(set.Settings) == 0 || !set.DirsChanged {
		t.Error(set.Host, set.Settings, set.DirsChanged)
	}
	if err := os.Remove(b.o.Config); err != nil {
		t.Fatal(err)
	}
	if set = b.load("a="); !slices.Equal(set.Settings, []string{"state_dir"}) || set.Config.Dirs.State != "" {
		t.Error(set.Settings, set.Config)
	}
	if set = b.load("a="); set.Settings != nil {
		t.Error("the settings change without a change")
	}
}

func TestZoneChange(t *testing.T) {
	b := newBox(t)
	b.put("a.toml", "cmd = [\"true\"]\nstart_at = \"4am\"\n")
	b.put("b.toml", "cmd = [\"true\"]\nstart_at = \"4am\"\ntimezone = \"Asia/Tokyo\"\n")
	zone := "Europe/Berlin"
	b.loader.facts = func(now time.Time) *host {
		h := thisHost(now)
		h.Zone = machine.ReadZone(func(string) (string, bool) { return zone, true }, "")
		return h
	}
	first := b.load("a= b=")
	if next := first.Jobs[0].Def.Schedule.Next(noon); next.Format(time.RFC3339) != "2026-11-24T04:00:00+01:00" || first.Zone != zone {
		t.Error(next, first.Zone)
	}
	if again := b.load("a= b="); again.Jobs[0].Def != first.Jobs[0].Def {
		t.Error("another definition without a change")
	}
	zone = "America/New_York"
	second := b.load("a= b=")
	if next := second.Jobs[0].Def.Schedule.Next(noon); next.Format(time.RFC3339) != "2026-11-24T04:00:00-05:00" || second.Zone != zone {
		t.Error(next, second.Zone)
	}
	if first.Jobs[0].Def.Hash != second.Jobs[0].Def.Hash {
		t.Error("the hash depends on the zone of the machine")
	}
	zone = "Nowhere/Land"
	b.load("a= b=", "TZ=Nowhere/Land: unknown time zone: local times are UTC")
}

// TestA29FileCutAtEachByte cuts a file that is in force at each byte: while it is invalid, the old jobs stay.
func TestA29FileCutAtEachByte(t *testing.T) {
	b := newBox(t)
	text := "[[jobs]]\nname = \"a\"\ndescription = \"1\"\nshell = '''\nx\n'''\n[[jobs]]\nname = \"b\"\nenv.LONG = \"" +
		strings.Repeat("ü ", 50) + "\"\ncmd = [\"true\"]\n"
	b.put("a.toml", text)
	good := b.load("a=1 b=")
	for i := range len(text) {
		b.put("a.toml", text[:i])
		set := b.loader.Load()
		for _, j := range set.Jobs {
			if j.Stale != "" && set.Errors == nil {
				t.Errorf("cut at %d: %v", i, set.Errors)
			}
		}
		if set.Refused == 1 && len(set.Jobs) == 0 {
			t.Errorf("cut at %d: no job is left: %v", i, set.Errors)
		}
		b.put("a.toml", text)
		if set := b.loader.Load(); len(set.Jobs) != 2 || set.Errors != nil || set.Jobs[0].Def.Hash != good.Jobs[0].Def.Hash {
			t.Errorf("after the cut at %d: %+v", i, set)
		}
	}
}

// TestUnsettled: a load says whether settings are in force. Without the file these are the defaults. A mistake in the file
// counts only as long as no load could read it.
func TestUnsettled(t *testing.T) {
	b := newBox(t)
	for _, c := range []struct {
		text      string
		unsettled bool
	}{{"machine = 1", true}, {"machine = 2", true}, {"machine = 'a'", false}, {"machine = 1", false}} {
		b.config(c.text)
		if set := b.loader.Load(); set.Unsettled != c.unsettled {
			t.Errorf("%s: unsettled is %v", c.text, set.Unsettled)
		}
	}
	b = newBox(t)
	if b.loader.Load().Unsettled {
		t.Error("without a file: unsettled")
	}
}
