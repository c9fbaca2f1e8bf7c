package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/recorder"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// recorderProcess is the recorder of now, and what the next one needs.
type recorderProcess struct {
	conn     *recorder.Conn // nil: there is no recorder
	greeted  bool           // the recorder is new, or has said what it has
	ready    bool           // this recorder works
	process  spawn.Process  // the recorder; PID 0: it is not known, or there is none
	child    bool           // it is a child of this program
	born     time.Duration  // when it was started
	runDir   string         // where later daemons find it; "": nowhere, because the directory is not this daemon's
	id       string         // of the state directory
	program  string         // the version of this program
	settings recorder.Settings

	version       int // of the protocol and of memory; only tests change it
	memory        int // of the recorder, for the next one; -1: none
	memoryVersion int
	aside         int  // memory with which recorders failed; -1: none
	replace       bool // this program replaces the recorder of another one
	quitting      bool // that recorder is about to end

	seeking    bool          // there may be a recorder to which this daemon cannot connect now
	met        bool          // a recorder has said all that it has, so this daemon has the pipes, whatever happens to the recorder
	orphaned   bool          // the recorder of the earlier daemon was killed
	failures   int           // recorders in a row that ended soon
	unready    int           // recorders in a row that ended before they worked
	retry      time.Duration // when to start one again, after a failure; 0: at once
	complained bool          // something is wrong with the recorder itself, and the daemon says so
}

func newRecorderProcess(o Options, id string) recorderProcess {
	return recorderProcess{process: spawn.Process{FD: -1}, runDir: o.Dirs.Run, id: id, program: o.Version,
		settings: recorder.Settings{Group: -1, Stdout: o.LogFile}, version: recorder.Version, memory: -1, aside: -1}
}

// recorderPause is the pause before a recorder that could not be started is started again.
const recorderPause = time.Second

// killPause is how long the end of a killed recorder takes, at most, if it is not on a dead disk.
const killPause = 10 * time.Millisecond

// recorderPauseMax is the longest such pause. A recorder that works for this long begins with the short one again.
const recorderPauseMax = time.Minute

// maxUnready is how many recorders in a row may end before they work until the next one gets new memory.
const maxUnready = 3

// avoidRunDir leaves the recorder of another daemon alone, which has the same run directory.
func (r *recording) avoidRunDir() {
	r.handle(core.Trouble{Part: "run directory", Text: fmt.Sprintf("another daemon uses %s, too, so no later daemon can find the recorder of this one", r.runDir)})
	r.runDir = ""
}

// connect connects to the recorder that an earlier daemon left. It reports whether there is one, or may be one.
func (r *recording) connect() bool {
	if r.runDir == "" {
		return false
	}
	conn, err := recorder.Connect(r.runDir)
	r.seeking = false
	switch {
	case err == nil:
		r.conn, r.retry = conn, 0
		r.hello()
		return true
	case errors.Is(err, unix.ECONNREFUSED):
		r.orphaned = r.orphaned || !r.met
		return false
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINVAL): // EINVAL: the path is too long for a socket
		return false
	}
	r.seeking = true
	r.pause()
	r.complain(fmt.Sprintf("cannot connect to the recorder, so runs that print much wait: %v", err))
	return true
}

// start starts a recorder if there is none. After a failure it tries again a moment later; until then the pipes hold
// the output.
func (r *recording) start() {
	if r.conn != nil || r.now() < r.retry || r.occupied() || r.connect() {
		return
	}
	if err := r.spawn(); err != nil {
		r.pause()
		r.complain(fmt.Sprintf("cannot start the recorder, so runs that print much wait: %v", err))
		return
	}
	r.retry = 0
}

// occupied reports whether a recorder may still use the pipes and the memory. Two of them would tear the lines of the
// other. If that one is no child, nothing tells when it has ended, so this looks again after a moment.
func (r *recording) occupied() bool {
	switch {
	case r.process.PID > 0 && r.child:
		return true
	case r.memory < 0:
		return false
	}
	if _, owned := recorder.Owner(r.memory); owned {
		r.retry = r.now() + killPause
		return true
	}
	r.process.Close()
	r.process, r.quitting = spawn.Process{FD: -1}, false
	if r.memoryVersion != r.version {
		unix.Close(r.memory) // the recorder has handed over what was in it
		r.memory = -1
	}
	return false
}

// zoneEnv is the environment of the recorder: the time zone for the times in front of lines.
func zoneEnv() []string {
	if zone, ok := os.LookupEnv("TZ"); ok {
		return []string{"TZ=" + zone}
	}
	return nil
}

func (r *recording) spawn() error {
	if r.memory < 0 {
		fd, err := recorder.NewMemory()
		if err != nil {
			return err
		}
		r.memory, r.memoryVersion = fd, r.version
	}
	files := []int{-1, 2, 2} // standard output comes with the hello, but only if it is needed
	conn, theirs, err := recorder.Pair()
	if err != nil {
		return err
	}
	defer unix.Close(theirs)
	files = append(files, theirs, r.memory)
	if listener := r.listen(); listener >= 0 {
		defer unix.Close(listener)
		files = append(files, listener)
	}
	// All pipes are in the socket before the process is there, so it has them even if this daemon dies while it starts.
	r.conn = conn
	r.hello()
	r.conn.ExpectPlain()
	r.handOver()
	if err = conn.Flush(); err == nil {
		r.process, err = spawn.StartHelper([]string{"jobsd:recorder", recorder.StageArg}, zoneEnv(), files...)
	}
	if err != nil {
		conn.Close()
		r.conn, r.greeted = nil, false
		return err
	}
	r.child, r.born = true, r.now()
	r.handedOver()
	return nil
}

// listen returns the socket by which later daemons find a new recorder, -1 if there is none. Output is safe anyway,
// unless this daemon and the recorder die.
func (r *recording) listen() int {
	if r.runDir == "" {
		return -1
	}
	listener, err := recorder.Listen(r.runDir)
	if err != nil {
		r.log.Warn(err.Error())
		return -1
	}
	return listener
}

// startWait returns how long it takes until a recorder must be started again, or a negative time.
func (r *recording) startWait() time.Duration {
	if r.retry == 0 || r.conn != nil || len(r.outputs) == 0 && len(r.notes) == 0 && !r.seeking {
		return -1
	}
	return max(0, r.retry-r.now())
}

// pause sets when the next recorder starts. The pause doubles with each recorder that failed.
func (r *recording) pause() {
	r.retry = r.now() + min(recorderPause<<min(r.failures, 6), recorderPauseMax)
}

// lost ends the connection to a recorder that has died or does not behave. The next one starts when that one is dead,
// because two must not write to the same logs.
func (r *recording) lost(err error) {
	r.conn.Close()
	r.conn, r.greeted = nil, false
	gone := err == io.EOF || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
	if !gone {
		r.pause() // it would happen again at once
	}
	switch {
	case r.quitting && gone: // as requested, see [recording.occupied] for its end
		r.retry = 0
		r.start()
	case r.child:
		spawn.SignalLeader(r.process, syscall.SIGKILL)
	case gone && r.retry == 0 && r.connect(): // it was not the recorder that ended
	default:
		if r.process.PID > 0 {
			spawn.SignalLeader(r.process, syscall.SIGKILL)
		}
		r.again()
	}
}

// reaped reports whether a child that ended was the recorder.
func (r *recording) reaped(x spawn.Exit) bool {
	if r.process.PID == 0 || x.PID != r.process.PID {
		return false
	}
	r.process.Close()
	r.process, r.child = spawn.Process{FD: -1}, false
	if r.conn != nil {
		r.conn.Close()
		r.conn, r.greeted = nil, false
	}
	if r.quitting && x.Code == 0 && x.Signal == 0 {
		r.retry = 0
		r.start()
		return true
	}
	r.quitting = false
	if x.Signal != syscall.SIGKILL {
		r.failed(x)
	}
	r.again()
	return true
}

// failed handles the end of a recorder by itself, which is a mistake in it or a lack of something. The next one starts
// after a pause. What an earlier one left in memory may be the reason.
func (r *recording) failed(x spawn.Exit) {
	if r.ready && r.now()-r.born >= recorderPauseMax {
		r.failures = 0
	}
	r.pause()
	r.failures++
	how := fmt.Sprintf("exited %d", x.Code)
	if x.Signal != 0 {
		how = "died of " + spawn.SignalName(x.Signal)
	}
	r.complain(fmt.Sprintf("the recorder %s, so runs that print much wait for the next one", how))
	if r.ready {
		return
	}
	if r.unready++; r.unready%maxUnready == 0 && r.memory >= 0 {
		r.log.Error("recorders end before they work; the next one starts without what an earlier one has read and not written",
			"kept_in", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), r.memory))
		if r.aside >= 0 {
			unix.Close(r.aside)
		}
		r.aside, r.memory = r.memory, -1
	}
}

// again starts a recorder if there is output to record.
func (r *recording) again() {
	if len(r.outputs) > 0 || len(r.notes) > 0 {
		r.log.Warn("the recorder of job output has ended; starting another one")
		r.start()
	}
}

// greet keeps the memory of the recorder. A recorder of another version or program is replaced.
func (r *recording) greet(m recorder.Received) {
	switch {
	case m.ID != r.id:
		r.avoidRunDir()
		r.lost(io.EOF)
		return
	case r.child && len(m.FDs) == 0: // its memory came from here
		return
	case len(m.FDs) != 1:
		r.lost(errNoMemory)
		return
	}
	if r.memory >= 0 {
		unix.Close(r.memory)
	}
	r.memory, r.memoryVersion = m.FDs[0], m.Version
	r.replace = r.replace || m.Version != r.version || m.Program != r.program
	r.identify()
}

// errNoMemory means that this daemon has too many open files.
var errNoMemory = errors.New("cannot receive the memory of the recorder")

// identify finds the process of a recorder that an earlier daemon has started. If it still owns the memory after it is
// found, no other process can have its pid.
func (r *recording) identify() {
	if r.process.PID > 0 {
		return
	}
	pid, _ := recorder.Owner(r.memory)
	p, ok := spawn.Find(pid)
	if !ok {
		return
	}
	if again, _ := recorder.Owner(r.memory); again != pid {
		p.Close()
		return
	}
	r.process = p
}

// quit ends the recorder, which leaves to the next one all that it has. Until that one has started, the pipes hold the
// output.
func (r *recording) quit() {
	r.replace, r.quitting = false, true
	r.log.Info("replacing the recorder of job output by that of this program")
	r.conn.Send(recorder.Message{Kind: recorder.Quit, Version: r.version})
}

// complain reports what is wrong with the recorder itself; "": nothing.
func (r *recording) complain(text string) {
	if text != "" || r.complained {
		r.complained = text != ""
		r.handle(core.Trouble{Part: "recorder", Text: text})
	}
}
