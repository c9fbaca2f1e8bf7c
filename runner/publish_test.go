package runner

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/statefile"
)

// oldState makes a state file with the jobs a and b, written by an earlier daemon, and a disk that continues from it.
func oldState(t *testing.T) (dir string, d *disk, posts *[]any) {
	t.Helper()
	dir = t.TempDir()
	w, _, err := statefile.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.SetDaemon(statefile.Daemon{PID: 1})
	pid := 77
	w.Update("a", &statefile.Job{State: "running", File: "a.toml", Runs: 3, Running: []statefile.Running{{Run: 3, PID: &pid}}})
	w.Update("b", &statefile.Job{State: "armed", File: "b.toml", NextRun: statefile.At(wallClock()), Runs: 5})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	journal, facts, _, err := statefile.OpenJournal(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	posts = &[]any{}
	delayed, _ := openDelayedArgs(dir, facts)
	d, _, err = newDisk(Options{Dirs: jobfile.Dirs{State: dir, Log: dir, Run: dir}}, &jobfile.Config{}, journal, facts, &collector{},
		delayed, func(p any) { *posts = append(*posts, p) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close(); d.state.Close() })
	return dir, d, posts
}

func state(t *testing.T, dir string) *statefile.State {
	t.Helper()
	s, err := statefile.ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// beforeLoad is the state that a daemon knows before its first load: only the job with a live run.
var beforeLoad = publish{daemon: statefile.Daemon{PID: 2}, changes: []core.Change{{Name: "a", Job: &statefile.Job{State: "running", Runs: 4}}}}

// TestOldStateStands: the state file of the previous daemon stays until the first load is in force, which reads all
// definitions.
func TestOldStateStands(t *testing.T) {
	dir, d, posts := oldState(t)
	d.update(beforeLoad)
	if wait := d.writeWait(); wait <= 0 {
		t.Errorf("it is replaced before the first load: the wait is %v", wait)
	}
	d.update(publish{daemon: statefile.Daemon{PID: 2}, ready: true, known: true, changes: []core.Change{{Name: "c", Job: &statefile.Job{}}}})
	if wait := d.writeWait(); wait > 0 {
		t.Errorf("it stands after the first load: the wait is %v", wait)
	}
	d.write()
	if s := state(t, dir); len(s.Jobs) != 2 || s.Jobs["a"].Runs != 4 || s.Jobs["c"] == nil {
		t.Errorf("%+v", s.Jobs)
	}
	if len(*posts) != 1 || (*posts)[0] != (published{}) {
		t.Errorf("posted %v", *posts)
	}
}

// TestLateFirstLoad: if the first load takes too long, or the daemon ends before it, the state file keeps the jobs of
// the previous daemon, but neither their runs nor their next times.
func TestLateFirstLoad(t *testing.T) {
	for name, write := range map[string]func(d *disk){
		"too long": func(d *disk) { d.hold = 0; d.write() },
		"ends":     func(d *disk) { d.finish(quit{statefile.NewFacts("id"), make(chan struct{})}) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, d, posts := oldState(t)
			d.update(beforeLoad)
			write(d)
			s := state(t, dir)
			if a, b := s.Jobs["a"], s.Jobs["b"]; s.Daemon.PID != 2 || len(s.Jobs) != 2 || a.Runs != 4 || a.State != "running" ||
				b.Runs != 5 || b.File != "b.toml" || b.State != "waiting" || !b.NextRun.IsZero() {
				t.Errorf("%+v %+v %+v", s.Daemon, s.Jobs["a"], s.Jobs["b"])
			}
			if len(*posts) != 1 || (*posts)[0] != (lateLoad{shown: true}) {
				t.Errorf("posted %v", *posts)
			}
			if name == "ends" {
				return
			}
			d.update(publish{daemon: statefile.Daemon{PID: 2}, ready: true, known: true, changes: []core.Change{{Name: "c", Job: &statefile.Job{}}}})
			d.write()
			if s := state(t, dir); s.Jobs["b"] != nil || s.Jobs["a"] == nil || s.Jobs["c"] == nil {
				t.Errorf("after the load there are %+v", s.Jobs)
			}
		})
	}
}

// TestLateLoadOfAFirstDaemon: the first daemon of a state directory does not mention jobs of a previous one.
func TestLateLoadOfAFirstDaemon(t *testing.T) {
	dir, d, posts := oldState(t)
	if err := os.Remove(filepath.Join(dir, "state.json")); err != nil {
		t.Fatal(err)
	}
	d.update(beforeLoad)
	d.hold = 0
	d.write()
	if len(*posts) != 1 || (*posts)[0] != (lateLoad{}) {
		t.Errorf("posted %v", *posts)
	}
}
