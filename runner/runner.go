package runner

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"jobsd/internal/control"
	"jobsd/internal/durable"
	"jobsd/internal/jobfile"
	"jobsd/internal/machine"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// Options says where the daemon keeps its files and how it logs.
type Options struct {
	Root       string       // passed to jobs as JOBSD_ROOT; "" = none
	Dirs       jobfile.Dirs // all four set
	ConfigFile string       // jobsd.toml; may be missing
	Machine    string       // replaces the host name; "" = the one in jobsd.toml, or the host's own
	Version    string
	LogFile    string         // the daemon's own log; "" = stderr
	LogLevel   string         // debug info warn error
	LogFormat  string         // text or json
	Output     jobfile.Output // "" in a field = the one in jobsd.toml
	Ready      func(jobs int)
	Program    string    // the program for upgrades; "" = the path by which this process was started
	Handover   *Handover // from TakeOver

	lock *os.File // the lock of the state directory
}

// ErrDisorder says that the daemon ended as requested, but had to kill jobs.
var ErrDisorder = errors.New("jobs had to be killed")

// handled is every signal that the daemon acts on or must not die of. All are caught before the first fork, because the
// children reset only caught signals to their defaults: signals that the daemon inherits as ignored would stay ignored
// (nohup(1) ignores HUP). CONT wakes the loop after a stop: poll(2) would continue with the time that was left at the
// stop, and slots that came due meanwhile would wait for that.
var handled = []syscall.Signal{syscall.SIGCHLD, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGALRM, syscall.SIGCONT}

// Run runs the daemon. It returns nil after a clean end. The error wraps statefile.ErrHeld if another daemon has the
// state directory, statefile.ErrVersion if another version wrote it, and ErrDisorder if jobs had to be killed.
func Run(o Options) error {
	runtime.LockOSThread() // the loop stays on the thread that forks
	o.Program = cmp.Or(o.Program, ownPath())
	hand := o.Handover
	debug.SetMemoryLimit(memoryNet)
	if err := spawn.Prepare(); err != nil {
		return err
	}
	config, err := jobfile.ReadConfig(o.ConfigFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if hand == nil && !config.SharedState { // before any other access to it
		if err := statefile.CheckLocal(o.Dirs.State); err != nil {
			return err
		}
	}
	if err := makeDirs(o.Dirs); err != nil {
		return err
	}
	lock, err := lockState(o.Dirs, hand)
	if err != nil {
		return err
	}
	defer lock.Close()
	o.lock = lock
	log, err := newLogger(o)
	if err != nil {
		return err
	}
	defer func() { log.close() }()
	for {
		l, err := live(o, config, log, hand)
		if err != nil || !l.exit.Upgrade {
			return err
		}
		hand = l.leaveTo(lock)
		log.Info("upgrading", "program", o.Program)
		log.close() // write all lines
		failed := hand.exec(o.Program)
		if log, err = newLogger(o); err != nil {
			return err
		}
		log.Error("upgrade failed; continuing with the running program", "err", failed)
	}
}

// live creates and runs one loop.
func live(o Options, config *jobfile.Config, log *logger, hand *Handover) (*loop, error) {
	l, err := newLoop(o, config, log, hand)
	if err != nil {
		return nil, err
	}
	if err := l.run(); err != nil {
		l.leave()
		return nil, err
	}
	if !l.disk.close(l.core.Facts()) {
		l.leave()
		return nil, errors.New("cannot finish writing the state: the disk does not answer")
	}
	if l.exit.Upgrade {
		return l, nil
	}
	l.delivering.finish()
	l.recording.drain()
	l.sys.close()
	l.leave()
	log.Info("ended", "longest_turn", fmt.Sprintf("%.2fms", float64(l.longest.Microseconds())/1000))
	if l.exit.Failed {
		return l, ErrDisorder
	}
	return l, nil
}

// leave removes the files that show clients a running daemon.
func (l *loop) leave() {
	if l.socket != nil {
		l.socket.Close()
	}
	os.Remove(filepath.Join(l.o.Dirs.Run, "jobsd.pid"))
}

// lockState locks the state directory. A daemon that was killed in the middle of a fork leaves a child that holds the
// lock until its exec, so this waits a moment.
func lockState(d jobfile.Dirs, hand *Handover) (*os.File, error) {
	if hand != nil {
		return statefile.Inherit(hand.Lock, d.State)
	}
	deadline := readClocks().Mono + time.Second
	for {
		lock, err := statefile.Lock(d.State, d.Run)
		if !errors.Is(err, statefile.ErrHeld) || readClocks().Mono > deadline {
			return lock, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func makeDirs(d jobfile.Dirs) error {
	for dir, mode := range map[string]os.FileMode{d.State: 0o755, d.Run: 0o755, d.Log: 0o750} {
		if err := durable.MakeDir(dir, mode); err != nil {
			return fmt.Errorf("cannot make a directory for the daemon: %w", err)
		}
	}
	return nil
}

// newLoop creates the parts of the daemon up to the point where the loop can run.
func newLoop(o Options, config *jobfile.Config, log *logger, hand *Handover) (*loop, error) {
	journal, facts, said, err := statefile.OpenJournal(o.Dirs.State, config.Journal.MaxSize, config.Journal.Keep)
	if err != nil {
		return nil, err
	}
	pump, err := newPump(hand)
	if err != nil {
		return nil, err
	}
	timer, err := newWallTimer()
	if err != nil {
		return nil, err
	}
	bootTimer, err := newBootTimer()
	if err != nil {
		return nil, err
	}
	gc := &collector{}
	gc.load()
	post := func(m any) { pump.Post(m) }
	hostname := cmp.Or(o.Machine, config.Machine, hostName())
	machineBoot := spawn.BootID()
	start, _ := spawn.StartTime(os.Getpid())
	boot, bootTrouble := whichBoot(machineBoot, o.Dirs.Run, start, hand)
	begin := statefile.Start{PID: os.Getpid(), PIDStart: start, BootID: boot, Machine: hostname, Version: o.Version,
		Upgraded: hand != nil && hand.lock == nil}
	if begin.Device, begin.Inode, err = journal.Place(); err != nil {
		return nil, err
	}
	if facts.Copied(boot, begin.Device, begin.Inode) {
		begin.ID = statefile.NewID()
	}
	id := cmp.Or(begin.ID, facts.ID)
	leaves, evidence := openCgroups(id, log), openEvidence(o.Dirs.Run, id, boot, log)
	if evidence != nil {
		leaves.Measure()
	}
	l := &loop{sys: &kernel{bootID: boot, cgroups: leaves, evidence: evidence, clocks: readClocks()}, boot: boot, pump: pump, timer: timer, bootTimer: bootTimer, log: log, o: o, self: whoAmI(),
		byRun: map[uint64]*process{}, byPID: map[int]*process{}, inherits: hand != nil}
	for _, text := range said {
		log.Warn(text)
	}
	if begin.ID != "" {
		log.Warn("the state directory is a copy; leaving the processes of the original daemon alone", "was", facts.ID, "id", begin.ID)
	}
	now := l.sys.now()
	l.began = now.Boot
	l.daemon = statefile.Daemon{PID: os.Getpid(), PIDStart: start, StartedAt: statefile.At(now.Wall), BootID: machineBoot,
		Machine: hostname, Version: o.Version, JobsDir: o.Dirs.Jobs, ConfigFile: o.ConfigFile, RunDir: o.Dirs.Run}
	delayed, args := openDelayedArgs(o.Dirs.State, facts)
	l.core = core.New(core.Options{MachineID: machine.ID(), Machine: hostname, BootID: boot, BootUnknown: bootTrouble != "",
		Seed: uint64(now.Wall.UnixNano()) ^ uint64(os.Getpid()),
		CPUs: runtime.NumCPU(), Stack: debug.Stack, DelayedArgs: args}, facts, now)
	if bootTrouble != "" {
		l.handle(core.Trouble{Part: "boot", Text: bootTrouble})
	}
	crash := lastCrash(o.Dirs.State)
	if crash.Text != "" {
		log.Error("the previous daemon crashed", "job", crash.Job, "err", crash.Text, "stack", crash.Stack)
	}
	var foreign bool
	if l.socket, err = listen(o.Dirs.Run, hand); err != nil {
		foreign = errors.Is(err, control.ErrUsed)
		log.Error(err.Error())
		l.handle(core.Trouble{Part: "control", Text: err.Error()})
	}
	begin.Suspect = crash.Job
	l.core.Begin(now, begin)
	if l.disk, said, err = newDisk(o, config, journal, facts, gc, delayed, post); err != nil {
		return nil, err
	}
	go l.disk.run()
	l.group = config.Group
	for _, text := range said {
		log.Warn(text)
	}
	if err := statefile.WritePID(o.Dirs.Run); err != nil { // the file is only informative
		log.Warn(err.Error())
	}
	l.delivering = newDelivering(l.handle, func() time.Duration { return l.sys.now().Mono })
	l.recording = newRecording(o, l.core.ID(), foreign, config.Log, log, l.handle, func() time.Duration { return l.sys.now().Mono })
	l.recording.replace, l.recording.onKept = hand != nil, l.kept
	l.searcher = newSearcher(post, leaves)
	l.adopt(begin.ID != "")
	files := jobfile.NewLoader(jobfile.Options{Jobs: o.Dirs.Jobs, Accepted: filepath.Join(o.Dirs.State, "accepted"),
		Config: o.ConfigFile, Host: o.Machine})
	l.loader = newLoader(files, &watcher{jobs: o.Dirs.Jobs, config: o.ConfigFile, post: post}, gc, post)
	if hand != nil {
		hand.raise()
	}
	return l, nil
}

func listen(dir string, hand *Handover) (*control.Server, error) {
	if hand != nil && hand.Socket >= 0 {
		if s, err := control.Inherit(dir, hand.Socket); err == nil {
			return s, nil
		}
	}
	return control.Listen(dir)
}

// openCgroups returns the cgroups for runs, or nil and logs why there are none. Without cgroups, the ownership tag
// finds processes that left their group.
func openCgroups(id string, log *logger) *spawn.Cgroups {
	g, err := spawn.OpenCgroups("jobsd-" + id)
	if err != nil {
		log.Debug(err.Error())
	}
	return g
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
