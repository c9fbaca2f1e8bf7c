package spawn

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEveryExitCode(t *testing.T) {
	for code := range 256 {
		p := mustLaunch(t, shell(fmt.Sprint("exit ", code)), true)
		if e := reap(t, p.PID); e.Code != code || e.Signal != 0 || e.Core {
			t.Errorf("exit %d: %+v", code, e)
		}
	}
}

func TestEverySignal(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("numbers and default actions are those of Linux")
	}
	for sig := syscall.Signal(1); sig <= 31; sig++ {
		p := mustLaunch(t, with(program("/bin/sleep", "1000"), func(c *Command) {
			c.Limits = []Limit{{"core", 0}}
		}), true)
		must(SignalGroup(p, sig))
		want := Exit{PID: p.PID, Code: -1, Signal: sig}
		switch sig {
		case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH, // ignored
			syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU: // stopped
			want.Signal = syscall.SIGKILL
			if e, ok := Reap(); ok {
				t.Errorf("%v: reaped %+v", sig, e)
			}
			must(SignalGroup(p, syscall.SIGKILL))
		}
		e := reap(t, p.PID)
		e.User, e.System, e.MaxRSS = 0, 0, 0
		if e != want {
			t.Errorf("%v: %+v", sig, e)
		}
	}
}

func TestCoreDump(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || pattern[0] == '|' || strings.Contains(string(pattern), "/") {
		t.Skipf("cores do not go to the working directory: %q, %v", pattern, err)
	}
	var r syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_CORE, &r))
	if r.Max < 1<<20 {
		t.Skipf("hard limit of core files is %d", r.Max)
	}
	c := with(shell("kill -SEGV $$"), func(c *Command) {
		c.Dir, c.Limits = t.TempDir(), []Limit{{"core", uint64(r.Max)}}
	})
	if e := reap(t, mustLaunch(t, c, true).PID); e.Signal != syscall.SIGSEGV || !e.Core {
		t.Errorf("%+v", e)
	}
	c.Limits = []Limit{{"core", 0}}
	if e := reap(t, mustLaunch(t, c, true).PID); e.Signal != syscall.SIGSEGV || e.Core {
		t.Errorf("without: %+v", e)
	}
}

func TestReapNothing(t *testing.T) {
	if e, ok := Reap(); ok {
		t.Errorf("reaped %+v", e)
	}
	mustLaunch(t, program("/bin/sleep", "1000"), true)
	if e, ok := Reap(); ok {
		t.Errorf("reaped %+v", e)
	}
}

// The memory of the daemon does not count as memory of its children.
func TestUsage(t *testing.T) {
	p := mustLaunch(t, program("/bin/true"), true)
	if e := reap(t, p.PID); runtime.GOOS == "linux" && e.MaxRSS != 0 {
		t.Errorf("true used %d bytes", e.MaxRSS)
	}
	p = mustLaunch(t, helper("hoard"), true)
	e := reap(t, p.PID)
	if e.MaxRSS < 150<<20 || e.MaxRSS > 3<<30 {
		t.Errorf("hoard used %d bytes of memory", e.MaxRSS)
	}
	if e.User+e.System <= 0 {
		t.Errorf("hoard used no CPU: %+v", e)
	}
}

// awaitWords waits until f contains at least this number of words.
func awaitWords(t *testing.T, f *os.File, words int) {
	t.Helper()
	until(t, "output of the process", func() bool { return len(strings.Fields(written(t, f))) >= words })
}

// A group can be signalled and found empty after its leader has been reaped.
func TestGroupOutlivesLeader(t *testing.T) {
	paths(t, func(t *testing.T, local bool) {
		c := shell("sleep 1000 & sleep 1000 & exit 3")
		p := mustLaunch(t, c, local)
		if e := reap(t, p.PID); e.Code != 3 {
			t.Errorf("leader: %+v", e)
		}
		if GroupEmpty(p) {
			t.Error("group is empty")
		}
		must(SignalGroup(p, syscall.SIGTERM))
		gone(t, p)
	})
}

// gone waits until the group is empty. It also reaps the orphans that become our children.
func gone(t *testing.T, p Process) {
	t.Helper()
	until(t, "end of group", func() bool {
		for _, ok := Reap(); ok; _, ok = Reap() {
		}
		return GroupEmpty(p)
	})
	if err := SignalGroup(p, syscall.SIGKILL); err != ErrGroupEmpty || !errors.Is(err, syscall.ESRCH) {
		t.Errorf("signal to an empty group: %v", err)
	}
}

// A stopped process gets TERM when it continues.
func TestStoppedGroup(t *testing.T) {
	f := outputFile(t)
	c := with(shell("sleep 1000 & echo ready; kill -STOP 0; wait"), func(c *Command) { c.Output = int(f.Fd()) })
	p := mustLaunch(t, c, true)
	awaitWords(t, f, 1)
	must(SignalGroup(p, syscall.SIGSTOP))
	must(SignalGroup(p, syscall.SIGTERM))
	must(SignalGroup(p, syscall.SIGCONT))
	if e := reap(t, p.PID); e.Signal != syscall.SIGTERM {
		t.Errorf("%+v", e)
	}
	gone(t, p)
}

// For kill(2), a zombie is alive: a group is empty only after its zombies have been reaped.
func TestZombieGroup(t *testing.T) {
	p := mustLaunch(t, program("/bin/true"), true)
	until(t, "zombie", func() bool { return ended(p) })
	if GroupEmpty(p) {
		t.Error("the group counts as empty although its zombie was not reaped")
	}
	must(SignalGroup(p, syscall.SIGTERM))
	reap(t, p.PID)
	gone(t, p)
}

// ended reports whether p has ended, reaped or not.
func ended(p Process) bool {
	if p.FD < 0 {
		var info unix.Stat_t
		return unix.Stat(fmt.Sprintf("/proc/%d/exe", p.PID), &info) != nil
	}
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 0)
	return n > 0
}

// Signalling by number works in the same way, as on systems without pidfds.
func TestGroupByNumber(t *testing.T) {
	p := mustLaunch(t, shell("sleep 1000 & exit 0"), true)
	reap(t, p.PID)
	number := Process{PID: p.PID, FD: -1}
	if GroupEmpty(number) {
		t.Error("group is empty")
	}
	must(SignalGroup(number, syscall.SIGKILL))
	gone(t, number)
}

func TestSignalNobodyByMistake(t *testing.T) {
	for _, pid := range []int{-5, -1, 0, 1} {
		if err := SignalGroup(Process{PID: pid, FD: -1}, 0); err != syscall.EINVAL {
			t.Errorf("pid %d: %v", pid, err)
		}
	}
}

func TestSignalNotPermitted(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may signal every process")
	}
	if err := SignalGroup(Process{PID: 2, FD: -1}, 0); err == nil {
		t.Error("signalling a kernel process succeeded")
	}
}

// keeper is a subreaper that starts a parent and reaps until TERM ends it.
func keeper(args []string) {
	must(Prepare())
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	_, _, err := Start(helper("parent", args[0]))
	must(err)
	for range child {
		for e, ok := Reap(); ok; e, ok = Reap() {
			fmt.Println("reaped", e.PID)
		}
	}
}

// parent starts a process, writes down its identity, and waits to be killed.
func parent(args []string) {
	f, err := os.OpenFile(args[0]+".out", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(err)
	p, _, err := Start(with(helper("exit-on-term"), func(c *Command) { c.Output = int(f.Fd()) }))
	must(err)
	b, err := json.Marshal([]uint64{uint64(os.Getpid()), uint64(p.PID), p.Inode, p.Start})
	must(err)
	must(os.WriteFile(args[0]+".tmp", b, 0o600))
	must(os.Rename(args[0]+".tmp", args[0]))
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGTERM)
	<-never
}

// orphan returns a process whose parent was killed and whose reaper is another process.
func orphan(t *testing.T) (pid int, inode, start uint64) {
	t.Helper()
	note := filepath.Join(t.TempDir(), "note")
	mustLaunch(t, helper("keeper", note), true)
	var who [4]uint64
	until(t, "output of the orphan", func() bool {
		b, err := os.ReadFile(note)
		if err != nil || json.Unmarshal(b, &who) != nil {
			return false
		}
		out, err := os.ReadFile(note + ".out")
		return err == nil && string(out) == "ready\n"
	})
	pid = int(who[1])
	end := func(pid int) { // the keeper reaps the process
		until(t, "end of the keeper's child", func() bool { return unix.Kill(pid, unix.SIGKILL) == unix.ESRCH })
	}
	t.Cleanup(func() { end(pid) })
	end(int(who[0]))
	return pid, who[2], who[3]
}

func TestAdopt(t *testing.T) {
	needProc(t)
	pid, inode, start := orphan(t)
	then := Process{PID: pid, Inode: inode, Start: start}
	p, ok := Adopt(then)
	if !ok {
		t.Fatal("not adopted")
	}
	defer p.Close()
	if p.PID != pid || p.Inode != inode || p.Start != start || p.FD < 0 {
		t.Errorf("adopted %+v", p)
	}
	if e, known := AdoptedStatus(p); known {
		t.Errorf("a living process has the exit status %+v", e)
	}
	must(SignalGroup(p, syscall.SIGTERM))
	until(t, "end", func() bool { return ended(p) })
	until(t, "end of group", func() bool { return GroupEmpty(p) }) // the keeper has reaped it
	e, known := AdoptedStatus(p)
	if !known && !hasExitInfo() {
		t.Skip("needs Linux 6.15 to read the status of a process that another process reaped")
	}
	if e.PID != pid || e.Code != 42 || !known {
		t.Errorf("status %+v, %v", e, known)
	}
	if _, ok := Adopt(then); ok {
		t.Error("adopted a process that has ended")
	}
}

// hasExitInfo checks whether the kernel reports the status of a reaped process.
func hasExitInfo() bool {
	p, _, err := Start(program("/bin/true"))
	must(err)
	defer p.Close()
	unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, -1)
	Reap()
	_, known := AdoptedStatus(p)
	return known
}

// As root, the status of a zombie can be read before its parent reaps it, with every kernel.
func TestAdoptedZombie(t *testing.T) {
	needProc(t)
	needRoot(t)
	for _, row := range []struct {
		script string
		want   Exit
	}{
		{"exit 0", Exit{}},
		{"exit 7", Exit{Code: 7}},
		{"kill -KILL $$", Exit{Code: -1, Signal: syscall.SIGKILL}},
	} {
		p := mustLaunch(t, shell(row.script), true)
		until(t, "zombie", func() bool { return ended(p) })
		row.want.PID = p.PID
		if e, known := AdoptedStatus(p); e != row.want || !known {
			t.Errorf("%s: zombie %+v, %v", row.script, e, known)
		}
		reap(t, p.PID)
		if e, known := AdoptedStatus(p); known && e != row.want {
			t.Errorf("%s: reaped %+v", row.script, e)
		}
	}
}

func TestAdoptStranger(t *testing.T) {
	needProc(t)
	p := mustLaunch(t, program("/bin/sleep", "1000"), true)
	start, err := StartTime(p.PID)
	must(err)
	for name, known := range map[string]Process{
		"other inode":      {PID: p.PID, Inode: p.Inode + 1, Start: start},
		"other start time": {PID: p.PID, Start: start + 1},
		"no identity":      {PID: p.PID},
		"other pid":        {PID: os.Getpid(), Inode: p.Inode, Start: p.Start},
		"no pid":           {Inode: p.Inode, Start: start},
		"init":             {PID: 1, Inode: p.Inode, Start: start},
		"no such pid":      {PID: 1<<22 + 1, Inode: p.Inode, Start: start},
	} {
		if q, ok := Adopt(known); ok || q.FD != -1 {
			t.Errorf("%s: adopted %+v", name, q)
		}
	}
	for name, inode := range map[string]uint64{"by inode": p.Inode, "by start time": 0} {
		q, ok := Adopt(Process{PID: p.PID, Inode: inode, Start: start})
		if !ok {
			t.Errorf("%s: not adopted", name)
		}
		q.Close()
	}
}

func TestBootID(t *testing.T) {
	if id := BootID(); id == "" || id != BootID() || strings.ContainsAny(id, " \n") {
		t.Errorf("BootID() = %q", id)
	}
}

func TestSignalNames(t *testing.T) {
	for sig := syscall.Signal(1); sig <= 31; sig++ {
		if name := SignalName(sig); strings.HasPrefix(name, "SIG") || SignalNumber(name) != sig {
			t.Errorf("%d: %s, %d", int(sig), name, SignalNumber(name))
		}
	}
	for name, sig := range map[string]syscall.Signal{"RTMIN": 34, "RTMIN+1": 35, "RTMIN+30": 64, "KILL": 9, "TERM": 15} {
		if SignalName(sig) != name || SignalNumber(name) != sig {
			t.Errorf("%s: %s, %d", name, SignalName(sig), SignalNumber(name))
		}
	}
	for _, name := range []string{"", "SIGTERM", "term", "RTMIN+31", "RTMIN+0", "RTMIN+01", "RTMINx", "15"} {
		if sig := SignalNumber(name); sig != 0 {
			t.Errorf("%q is %d", name, int(sig))
		}
	}
	if got := SignalName(99); got != "99" {
		t.Errorf("SignalName(99) = %q", got)
	}
}

func TestErrnoNames(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOENT: "ENOENT", syscall.ETXTBSY: "ETXTBSY", syscall.EAGAIN: "EAGAIN", 9999: "9999",
	} {
		if got := ErrnoName(errno); got != want {
			t.Errorf("%d: %s, want %s", int(errno), got, want)
		}
	}
}
