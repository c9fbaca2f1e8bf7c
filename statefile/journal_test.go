package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var someTime = At(time.Date(2026, 11, 23, 4, 35, 0, 0, time.UTC))

// open opens the journal of a directory until the end of the test.
func open(t *testing.T, dir string) (*Journal, *Facts, []string) {
	t.Helper()
	j, facts, messages, err := OpenJournal(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, facts, messages
}

// reopened returns what a daemon would find in the directory now.
func reopened(t *testing.T, dir string) (*Facts, []string) {
	t.Helper()
	j, facts, messages, err := OpenJournal(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	return facts, messages
}

// tell appends entries to the journal and applies them to facts.
func tell(t *testing.T, j *Journal, facts *Facts, s *story, number int) {
	t.Helper()
	for range number {
		e := s.next()
		facts.Apply(e)
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

// recorded returns the bytes of a journal with a few entries, and the facts after each of its lines. The first line
// is the checkpoint.
func recorded(t *testing.T, number int) ([]byte, []*Facts) {
	t.Helper()
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	after := []*Facts{facts.Clone()}
	for s := newStory(rand.New(rand.NewPCG(1, 2))); number > 0; number-- {
		tell(t, j, facts, s, 1)
		after = append(after, facts.Clone())
	}
	return read(t, dir, journalName), after
}

// withDoubt returns the facts after the entries that a repair added to the journal in dir.
func withDoubt(t *testing.T, dir string, facts *Facts) *Facts {
	t.Helper()
	facts = facts.Clone()
	for e, err := range History(dir) {
		if err != nil {
			t.Fatal(err)
		}
		switch r := e.Record.(type) {
		case *Damaged:
			facts.Apply(e)
		case *AllDisabled:
			if r.By != nil && r.By.Who == "jobsd" {
				facts.Apply(e)
			}
		}
	}
	return facts
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// names returns the names of the files in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// runsInHistory returns the numbers of the runs with an intent in the history.
func runsInHistory(t *testing.T, dir string) []uint64 {
	t.Helper()
	var runs []uint64
	for e, err := range History(dir) {
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := e.Record.(*Intent); ok {
			runs = append(runs, r.Run)
		}
	}
	return runs
}

func intent(run uint64) Entry {
	return Entry{someTime, &Intent{Job: "a", Identity: Identity{Run: run, Slot: someTime, Reason: ReasonSchedule, Attempt: 1}}}
}

func TestJournalNew(t *testing.T) {
	dir := t.TempDir()
	_, facts, messages := open(t, dir)
	if len(facts.ID) != 32 || !facts.Clean || facts.Version != Version || len(messages) > 0 {
		t.Errorf("%s %q", encode(facts), messages)
	}
	again, messages := reopened(t, dir)
	if same(t, "reopened", again, facts); len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
	if other, _ := reopened(t, t.TempDir()); other.ID == facts.ID {
		t.Error("two directories have one id")
	}
	if got := names(t, dir); !slices.Equal(got, []string{journalName}) {
		t.Errorf("the directory has %q", got)
	}
}

func TestJournalModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		old := syscall.Umask(umask)
		dir := t.TempDir()
		j, facts, _ := open(t, dir)
		err := j.Rotate(facts, someTime)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{journalName, older(1)} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o640 {
				t.Errorf("umask %o: %s: %v, %v", umask, name, info.Mode(), err)
			}
		}
	}
}

func TestJournalGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to any group")
	}
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	if err := j.SetGroup(4321); err != nil {
		t.Fatal(err)
	}
	if err := j.Rotate(facts, someTime); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{journalName, older(1)} {
		var st syscall.Stat_t
		if err := syscall.Stat(filepath.Join(dir, name), &st); err != nil || st.Gid != 4321 {
			t.Errorf("%s is of the group %d, %v", name, st.Gid, err)
		}
	}
}

// TestReplay: a replay of the journal gives the facts that were in memory, also after rotations.
func TestReplay(t *testing.T) {
	r := newRand(t)
	for range 20 {
		dir := t.TempDir()
		j, facts, _ := open(t, dir)
		s := newStory(r)
		for range 20 {
			tell(t, j, facts, s, r.IntN(20))
			if r.IntN(4) == 0 {
				if err := j.Rotate(facts.Clone(), s.at()); err != nil {
					t.Fatal(err)
				}
			}
			again, messages := reopened(t, dir)
			if !same(t, "replayed", again, facts) || len(messages) > 0 {
				t.Fatalf("messages %q", messages)
			}
		}
	}
}

// TestJournalPrefix: a journal cut at any place recovers all complete lines, and appended lines are good too.
func TestJournalPrefix(t *testing.T) {
	journal, after := recorded(t, 9)
	dir := t.TempDir()
	for cut := range len(journal) + 1 {
		write(t, dir, journalName, journal[:cut])
		j, facts, messages, err := OpenJournal(dir, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		whole := bytes.Count(journal[:cut], []byte("\n"))
		if cut < len(journal) && journal[cut] == '\n' { // a line that lacks only its newline is complete
			whole++
		}
		if whole == 0 && (len(messages) == 0 || facts.ID == "") {
			t.Fatalf("cut at %d: messages %q", cut, messages)
		}
		if whole > 0 && (!same(t, fmt.Sprintf("cut at %d", cut), facts, after[whole-1]) || len(messages) > 0) {
			t.Fatalf("messages %q", messages)
		}
		e := intent(99)
		facts.Apply(e)
		if err := errors.Join(j.Append(e), j.Close()); err != nil {
			t.Fatal(err)
		}
		if again, messages := reopened(t, dir); !same(t, "continued", again, facts) || len(messages) > 0 {
			t.Fatalf("cut at %d: messages %q", cut, messages)
		}
	}
}

// TestJournalGarbage: garbage in the journal affects neither the good lines before it nor those after it.
func TestJournalGarbage(t *testing.T) {
	journal, after := recorded(t, 12)
	lines := bytes.SplitAfter(journal, []byte("\n"))
	lines = lines[:len(lines)-1]
	for _, garbage := range []string{"\n", "{}\n", "\x00\x00\x00\n", `{"kind":"sneeze","at":"2026-11-23T04:35:00Z"}` + "\n",
		string(lines[3][:40]) + "\n", strings.Repeat("x", 2<<20) + "\n"} {
		for n := range len(lines) + 1 {
			dir := t.TempDir()
			damaged := slices.Concat(bytes.Join(lines[:n], nil), []byte(garbage), bytes.Join(lines[n:], nil))
			write(t, dir, journalName, damaged)
			facts, messages := reopened(t, dir)
			bad := names(t, dir)
			if len(messages) < 2 || len(bad) != 2 || !strings.HasPrefix(bad[1], journalName+".bad-") {
				t.Fatalf("garbage %.20q before line %d: messages %q, files %q", garbage, n+1, messages, bad)
			}
			if n > 0 {
				same(t, "recovered", facts, withDoubt(t, dir, after[len(after)-1]))
			}
			if !bytes.Equal(read(t, dir, bad[1]), damaged) {
				t.Error("the damaged file was changed")
			}
			if again, messages := reopened(t, dir); !same(t, "again", again, facts) || len(messages) > 0 {
				t.Fatalf("messages of a second opening: %q", messages)
			}
			if n > 0 && !bytes.HasPrefix(read(t, dir, journalName), journal) {
				t.Errorf("whole lines are missing: %s", read(t, dir, journalName))
			}
		}
	}
}

// TestJournalTwice: a repeated line counts once.
func TestJournalTwice(t *testing.T) {
	journal, after := recorded(t, 12)
	var twice []byte
	for line := range bytes.Lines(journal) {
		twice = append(append(twice, line...), line...)
	}
	dir := t.TempDir()
	write(t, dir, journalName, twice)
	facts, messages := reopened(t, dir)
	if same(t, "twice", facts, after[len(after)-1]); len(messages) > 0 {
		t.Errorf("messages %q", messages)
	}
}

// TestJournalBadNewest: if the current file is unusable or missing, the older files are used.
func TestJournalBadNewest(t *testing.T) {
	spoil := map[string]func(path string) error{
		"missing":   os.Remove,
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"zeros":     func(path string) error { return os.WriteFile(path, make([]byte, 3<<20), 0o600) },
		"garbage":   func(path string) error { return os.WriteFile(path, []byte("so\nmuch\nfor this"), 0o600) },
		"directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"pipe":      func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"sparse":    func(path string) error { return errors.Join(os.Truncate(path, 0), os.Truncate(path, 100<<20)) },
	}
	for name, spoil := range spoil {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j, facts, _ := open(t, dir)
			s := newStory(newRand(t))
			for range 3 {
				tell(t, j, facts, s, 20)
				if err := j.Rotate(facts.Clone(), s.at()); err != nil {
					t.Fatal(err)
				}
			}
			if err := spoil(filepath.Join(dir, journalName)); err != nil {
				t.Fatal(err)
			}
			got, messages := reopened(t, dir)
			facts = withDoubt(t, dir, facts)
			same(t, "recovered", got, facts)
			if len(messages) == 0 || got.DoubtUntil.IsZero() || got.DisabledBy == nil {
				t.Errorf("messages %q, in doubt until %v, disabled by %v", messages, got.DoubtUntil, got.DisabledBy)
			}
			if again, messages := reopened(t, dir); !same(t, "again", again, facts) || len(messages) > 0 {
				t.Errorf("messages of a second opening: %q", messages)
			}
		})
	}
}

// TestJournalOlderLost: if the checkpoint of the current file is damaged, its lines continue from the older files,
// and from the oldest if those in between are damaged too.
func TestJournalOlderLost(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	s := newStory(newRand(t))
	for range 3 {
		tell(t, j, facts, s, 20)
		if err := j.Rotate(facts.Clone(), s.at()); err != nil {
			t.Fatal(err)
		}
	}
	tell(t, j, facts, s, 20)
	for _, name := range []string{journalName, older(1), older(2)} {
		content := read(t, dir, name)
		copy(content[2:], "soot") // the kind of the checkpoint
		write(t, dir, name, content)
	}
	got, messages := reopened(t, dir)
	same(t, "recovered", got, withDoubt(t, dir, facts))
	if len(messages) != 5 {
		t.Errorf("messages %q", messages)
	}
}

// TestJournalOtherVersion: a journal of another version is refused and not changed.
func TestJournalOtherVersion(t *testing.T) {
	refuseVersion(t, Version+1, ErrNewer)
	refuseVersion(t, Version-1, ErrOlder)
	refuseVersion(t, 1, ErrOlder)
}

func refuseVersion(t *testing.T, version int, want error) {
	t.Helper()
	journal, _ := recorded(t, 3)
	other := bytes.Replace(journal, fmt.Appendf(nil, `"version":%d`, Version), fmt.Appendf(nil, `"version":%d`, version), 1)
	for name, files := range map[string]map[string][]byte{
		"newest": {journalName: other},
		"torn":   {journalName: other[:len(other)-5]},
		"older":  {older(1): other, journalName: []byte("damaged\n")},
	} {
		dir := t.TempDir()
		for file, content := range files {
			write(t, dir, file, content)
		}
		if _, _, _, err := OpenJournal(dir, 0, 0); !errors.Is(err, want) || !errors.Is(err, ErrVersion) {
			t.Errorf("version %d, %s: %v", version, name, err)
		}
		for file, content := range files {
			if !bytes.Equal(read(t, dir, file), content) {
				t.Errorf("%s: %s was changed", name, file)
			}
		}
		if len(names(t, dir)) != len(files) {
			t.Errorf("%s: files %q", name, names(t, dir))
		}
		var got error
		for _, err := range History(dir) {
			got = err
		}
		if !errors.Is(got, want) {
			t.Errorf("version %d, %s: history: %v", version, name, got)
		}
	}
}

func TestJournalUnreadable(t *testing.T) {
	if _, _, _, err := OpenJournal(filepath.Join(t.TempDir(), "none"), 0, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	dir := t.TempDir()
	reopened(t, dir)
	if err := os.Chmod(filepath.Join(dir, journalName), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := OpenJournal(dir, 0, 0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("unreadable: %v", err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("files: %q", got)
	}
}

// TestRotation: full files are rotated, the set number of older files is kept, and their entries can be read in
// order.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	j.SetLimits(4000, 3)
	rotations := 0
	for run := range uint64(200) {
		if err := j.Append(intent(run)); err != nil {
			t.Fatal(err)
		}
		facts.Apply(intent(run))
		facts.Apply(Entry{someTime, &Drained{"a", run}})
		if j.NeedsCheckpoint() {
			rotations++
			if err := j.Rotate(facts, someTime); err != nil || j.NeedsCheckpoint() {
				t.Fatalf("%v, needs another: %t", err, j.NeedsCheckpoint())
			}
		}
	}
	if rotations < 5 {
		t.Errorf("%d rotations", rotations)
	}
	want := []string{journalName, older(1), older(2), older(3)}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files: %q", got)
	}
	runs := runsInHistory(t, dir)
	if !slices.IsSorted(runs) || runs[len(runs)-1] != 199 || len(runs) < 60 || runs[0] != 200-uint64(len(runs)) {
		t.Errorf("runs in the history: %d", runs)
	}
	j.SetLimits(4000, 1)
	if err := j.Rotate(facts, someTime); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, want[:2]) {
		t.Errorf("files with one older file kept: %q", got)
	}
}

// TestRotationNotTooOften: if the checkpoint is longer than the set size, the journal does not rotate after each
// entry.
func TestRotationNotTooOften(t *testing.T) {
	j, facts, _ := open(t, t.TempDir())
	j.SetLimits(1, 1)
	for n := range 100 {
		facts.Job(fmt.Sprint("job", n)).Schedule = 0x123456789
	}
	if err := j.Rotate(facts, someTime); err != nil {
		t.Fatal(err)
	}
	if j.NeedsCheckpoint() {
		t.Error("full at once")
	}
	for !j.NeedsCheckpoint() {
		if err := j.Append(intent(1)); err != nil {
			t.Fatal(err)
		}
	}
	if j.size < 2*j.first || j.size > 3*j.first {
		t.Errorf("full at %d bytes with a checkpoint of %d", j.size, j.first)
	}
}

// TestGaps: a rotation closes gaps in the numbers and moves no file without need.
func TestGaps(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	for n := range 4 {
		if err := errors.Join(j.Append(intent(uint64(n))), j.Rotate(facts, someTime)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, older(2))); err != nil {
		t.Fatal(err)
	}
	fourth := read(t, dir, older(4))
	if err := errors.Join(j.Append(intent(9)), j.Rotate(facts, someTime)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fourth, read(t, dir, older(4))) {
		t.Error("a file was moved without need")
	}
	if got := runsInHistory(t, dir); !slices.Equal(got, []uint64{0, 1, 3, 9}) {
		t.Errorf("runs in the history: %d", got)
	}
}

func TestHistoryOfJobs(t *testing.T) {
	dir := t.TempDir()
	j, _, _ := open(t, dir)
	for _, job := range []string{"a", "b", "ab"} {
		if err := j.Append(Entry{someTime, &Deleted{job}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append(Entry{someTime, &NotRun{Job: "b", Reason: "a"}}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		jobs []string
		want string
	}{
		{nil, "checkpoint deleted deleted deleted skipped"},
		{[]string{"a"}, "checkpoint deleted"},
		{[]string{"a", "b"}, "checkpoint deleted deleted skipped"},
		{[]string{"none"}, "checkpoint"},
	} {
		var got []string
		for e, err := range History(dir, test.jobs...) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Kind())
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: %q, want %q", test.jobs, got, test.want)
		}
	}
	for range History(dir) {
		break // the sequence must allow this
	}
	for e, err := range History(filepath.Join(dir, "none")) {
		t.Errorf("of no directory: %v, %v", e, err)
	}
}

// TestHistoryWhileRotating reads the history again and again while a writer appends and rotates. No entry comes
// twice, and none that existed when the reading began is missing.
func TestHistoryWhileRotating(t *testing.T) {
	dir := t.TempDir()
	j, facts, _ := open(t, dir)
	j.SetLimits(2000, 1000)
	done := make(chan error)
	go func() {
		for run := range uint64(400) {
			err := j.Append(intent(run))
			if err == nil && j.NeedsCheckpoint() {
				err = j.Rotate(facts, someTime)
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for n := 0; ; {
		select {
		case err := <-done:
			if got := runsInHistory(t, dir); err != nil || len(got) != 400 {
				t.Errorf("%v, %d runs in the history", err, len(got))
			}
			return
		default:
		}
		runs := runsInHistory(t, dir)
		if len(runs) < n {
			t.Errorf("%d runs in the history after %d", len(runs), n)
		}
		n = len(runs)
		for i, run := range runs {
			if run != uint64(i) {
				t.Errorf("run %d comes at place %d", run, i)
				break
			}
		}
	}
}
