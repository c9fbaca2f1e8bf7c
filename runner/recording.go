package runner

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/joblog"
	"jobsd/internal/recorder"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// recording is the loop's side of the recorder, the process that reads the output of all runs and writes the job logs.
// The loop only makes the pipes. It keeps a copy of each read end, so that no run gets SIGPIPE if the recorder dies,
// and a new recorder continues with the same pipes.
type recording struct {
	logDir string
	runDir string         // where later daemons find the recorder; "": nowhere, because it is not this daemon's
	id     string         // of the state directory
	option jobfile.Output // of the command line, which wins over jobsd.toml
	output jobfile.Output // for runs that start now
	log    *logger
	handle func(core.Event)
	now    func() time.Duration // monotonic

	conn          *recorder.Conn // nil: there is no recorder
	greeted       bool           // the recorder is new, or has said what it has
	program       string         // the version of this program
	version       int            // of the protocol and of memory; only tests change it
	replace       bool           // this program replaces the recorder of another one
	quitting      bool           // that recorder is about to end
	process       spawn.Process  // the recorder; PID 0: it is not known, or there is none
	child         bool           // it is a child of this program
	memory        int            // of the recorder, for the next one
	memoryVersion int
	settings      recorder.Settings
	outputs       map[uint64]*output
	placed        []uint64           // runs whose places go to the journal now
	notes         []recorder.Message // that wait for the hello
	trouble       map[string]bool    // parts of the daemon with trouble that a recorder has reported; true: this recorder
	seeking       bool               // there may be a recorder to which this daemon cannot connect now
	met           bool               // a recorder has said all that it has, so this daemon has the pipes, whatever happens to the recorder
	orphaned      bool               // the recorder of the earlier daemon was killed
	ready         bool               // this recorder works
	born          time.Duration      // when this recorder was started
	failures      int                // recorders in a row that ended soon
	unready       int                // recorders in a row that ended before they worked
	aside         int                // memory with which recorders failed; -1: none
	silent        silence
	refused       map[uint64]bool // outputs for which the recorder had no room
	offerAt       time.Duration   // when they are offered again
	awaited       int             // outputs of which the recorder has something to report
	// complained says that something is wrong with the recorder itself.
	complained bool
	settled    bool            // the runs of the earlier daemon and their outputs were compared
	adopted    map[uint64]bool // the runs of the earlier daemon, until then
	retry      time.Duration   // when to start one again, after a failure; 0: at once
	dropped    uint64          // lines that standard output did not take
}

// output is the output of one run.
type output struct {
	job, label string
	log        recorder.Log
	start, end string
	notice     string // a marker for the case that the earlier recorder was killed, until it is sent
	read       int    // a copy of the read end of the pipe; -1: none
	write      int    // the write end, until the process has it; -1: none
	began      bool
	fresh      bool             // no recorder has the pipe yet
	awaited    bool             // it counts in awaited
	handed     recorder.Message // what a recorder of another version knew about it
	ending     bool             // the run is over
	ended      bool             // the end marker is written
}

// recorderPause is the pause before a recorder that could not be started is started again.
const recorderPause = time.Second

// killPause is how long the end of a killed recorder takes, at most, if it is not on a dead disk.
const killPause = 10 * time.Millisecond

// recorderPauseMax is the longest such pause. A recorder that works for this long begins with the short one again.
const recorderPauseMax = time.Minute

// maxUnready is how many recorders in a row may end before they work until the next one gets new memory.
const maxUnready = 3

// newRecording returns the recording of a daemon. Another daemon may own the run directory, with its own recorder.
func newRecording(o Options, id string, foreign bool, to jobfile.Output, log *logger, handle func(core.Event), now func() time.Duration) *recording {
	r := &recording{logDir: o.Dirs.Log, runDir: o.Dirs.Run, id: id, program: o.Version, version: recorder.Version, option: o.Output, log: log, handle: handle, now: now, memory: -1, aside: -1, process: spawn.Process{FD: -1},
		settings: recorder.Settings{Group: -1, Stdout: o.LogFile}, outputs: map[uint64]*output{}, refused: map[uint64]bool{},
		trouble: map[string]bool{}, adopted: map[uint64]bool{}}
	r.setOutput(to)
	if foreign {
		r.avoidRunDir()
	}
	r.connect()
	return r
}

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

func (r *recording) hello() {
	clear(r.refused) // a recorder gets all at first
	r.greeted, r.ready, r.silent = false, false, silence{since: r.now()}
	for part := range r.trouble {
		r.trouble[part] = false
	}
	r.configure(recorder.Message{Kind: recorder.Hello, Version: r.version, ID: r.id, Program: r.program})
}

// pipe makes the pipe of a run and returns its write end, -1 if the output is discarded.
func (r *recording) pipe(s core.Start) (int, error) {
	run, d := s.Run, s.Job
	if d.Log.Discard {
		return -1, nil
	}
	if err := r.full(); err != nil {
		return -1, err
	}
	read, write, err := newPipe(d.User)
	if err != nil {
		return -1, err
	}
	o := r.outputs[run]
	if o == nil {
		o = &output{job: d.Name, label: s.Label, log: r.logOf(d), start: s.Marker}
		r.outputs[run] = o
	}
	o.read, o.write, o.fresh = read, write, true
	r.count(o)
	r.send(run, o)
	r.flush() // before the fork: if this daemon dies then, the recorder has the pipe
	return write, nil
}

// notStarted closes the pipe of a run that could not be started. The next attempt, which may be far away, makes another
// one: the descriptors may be just what the attempt lacked.
func (r *recording) notStarted(run uint64) {
	if o := r.outputs[run]; o != nil {
		r.closePipe(o)
		r.count(o)
	}
}

func (r *recording) closePipe(o *output) {
	o.closeWrite()
	if o.read >= 0 {
		if r.conn != nil {
			r.conn.Withdraw(o.read)
		}
		closeAside(o.read)
		o.read = -1
	}
}

// newPipe makes a pipe whose write end the user may open again by /dev/stderr.
func newPipe(u *jobfile.User) (read, write int, err error) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, &spawn.Error{Stage: spawn.StageFork, Errno: errnoOf(err)}
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	if u != nil {
		err = unix.Fchown(fds[1], int(u.UID), int(u.GID))
	}
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return -1, -1, &spawn.Error{Stage: spawn.StageFork, Errno: errnoOf(err)}
	}
	return fds[0], fds[1], nil
}

func errnoOf(err error) syscall.Errno {
	errno := syscall.EINVAL
	errors.As(err, &errno)
	return errno
}

func (r *recording) logOf(d *jobfile.Definition) recorder.Log {
	log := r.logNamed(d.Name)
	log.MaxSize, log.Keep, log.Timestamps = d.Log.MaxSize, d.Log.Keep, d.Log.Timestamps
	return log
}

// logNamed says where the output of a job goes, of which nothing else is known.
func (r *recording) logNamed(job string) (log recorder.Log) {
	if r.output.Output != "stdout" {
		log.Path = joblog.Path(r.logDir, job)
	}
	if r.output.Output != "files" {
		log.Stdout = r.output.Format
	}
	return log
}

// started says that the process of a run has the write end.
func (r *recording) started(run uint64) {
	if o := r.outputs[run]; o != nil {
		o.closeWrite()
	}
}

func (o *output) closeWrite() {
	if o.write >= 0 {
		closeAside(o.write)
		o.write = -1
	}
}

// closeAside closes an end of a pipe. The loop must not wait for it: a process of the run can lock its pipe for as long
// as it likes, see package recorder, and the last close of an end waits for the lock.
func closeAside(fd int) { go unix.Close(fd) }

// end ends the output of a run with its end marker.
func (r *recording) end(e core.EndOutput) {
	o := r.outputs[e.Run]
	if o == nil { // it never had a process, or it began under an earlier daemon and no recorder has it
		if e.Discard {
			return
		}
		o = &output{job: e.Name, log: r.logNamed(e.Name), read: -1, write: -1, began: true}
		if e.Job != nil {
			o.log = r.logOf(e.Job)
		}
		if r.adopted[e.Run] {
			o.notice = outputLost(e.Run)
		}
		r.outputs[e.Run] = o
	}
	o.closeWrite()
	o.ending, o.end = true, e.Marker
	r.count(o)
	r.request(recorder.Message{Kind: recorder.End, Run: e.Run, Job: o.job, Log: &o.log, Text: o.end})
}

// note writes a marker between runs.
func (r *recording) note(e core.Marker) {
	if e.Job == nil || e.Job.Log.Discard {
		return
	}
	log := r.logOf(e.Job)
	r.request(recorder.Message{Kind: recorder.Note, Job: e.Job.Name, Log: &log, Text: e.Text})
}

// request sends a message, or keeps a note until the recorder has said hello. It starts the recorder if there is none.
// What belongs to an output is sent at that time anyway.
func (r *recording) request(m recorder.Message) {
	r.start()
	switch {
	case m.Kind == recorder.Note && r.crowded():
		r.log.Warn("the recorder does not take log markers, so one is missing", "job", m.Job, "marker", m.Text)
	case r.greeted:
		r.conn.Send(m)
	case m.Kind == recorder.Note:
		r.notes = append(r.notes, m)
	}
}

// send hands over the pipe of a run.
func (r *recording) send(run uint64, o *output) {
	if r.conn == nil {
		r.start() // hands over all
		return
	}
	if !r.greeted {
		return
	}
	m := recorder.Message{Kind: recorder.Begin, Run: run, Job: o.job, Label: o.label, Log: &o.log, Text: o.start}
	// A run whose start is tried again has a start marker and another pipe.
	if o.began && !o.fresh || o.start == "" {
		m = o.handed
		m.Kind, m.Run, m.Job, m.Label, m.Log, m.Over = recorder.Resume, run, o.job, o.label, &o.log, o.ended
	}
	if o.read >= 0 {
		r.conn.Send(m, o.read)
	} else {
		r.conn.Send(m)
	}
	o.fresh = false
	if o.notice != "" && r.orphaned {
		r.conn.Send(recorder.Message{Kind: recorder.Note, Job: o.job, Log: &o.log, Text: o.notice})
	}
	if o.ending && !o.ended {
		r.conn.Send(recorder.Message{Kind: recorder.End, Run: run, Job: o.job, Log: &o.log, Text: o.end})
	}
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

// complain reports what is wrong with the recorder itself; "": nothing.
func (r *recording) complain(text string) {
	if text != "" || r.complained {
		r.complained = text != ""
		r.handle(core.Trouble{Part: "recorder", Text: text})
	}
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

func (r *recording) spawn() error {
	if r.memory < 0 {
		fd, err := recorder.NewMemory()
		if err != nil {
			return err
		}
		r.memory, r.memoryVersion = fd, r.version
	}
	files := []int{2, 2} // standard output comes with the hello, but only if it is needed
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
		r.process, err = spawn.StartHelper([]string{"jobsd:recorder", recorder.StageArg}, files...)
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

// wait returns how long the loop may wait until something must be tried again or the recorder has been silent for too
// long, or a negative time.
func (r *recording) wait() time.Duration {
	if r.conn == nil {
		return r.startWait()
	}
	if in, out := r.conn.Resting(); in || out {
		return recorder.RestTime
	}
	answer, offer := r.answerWait(), r.offerWait()
	if answer < 0 || offer >= 0 && offer < answer {
		return offer
	}
	return answer
}

// startWait returns how long it takes until a recorder must be started again, or a negative time.
func (r *recording) startWait() time.Duration {
	if r.retry == 0 || r.conn != nil || len(r.outputs) == 0 && len(r.notes) == 0 && !r.seeking {
		return -1
	}
	return max(0, r.retry-r.now())
}

// poll returns what the loop must wait for.
func (r *recording) poll() unix.PollFd {
	if r.conn == nil {
		return unix.PollFd{Fd: -1}
	}
	p := unix.PollFd{Fd: int32(r.conn.FD()), Events: unix.POLLIN}
	if in, _ := r.conn.Resting(); in {
		p.Fd = -1
	}
	if r.conn.Waiting() {
		p.Events |= unix.POLLOUT
	}
	return p
}

// flush sends what is waiting.
func (r *recording) flush() {
	if r.retry != 0 && r.startWait() == 0 {
		r.start()
	}
	r.checkAnswer()
	r.offer()
	if r.conn != nil {
		if in, _ := r.conn.Resting(); in {
			r.receive()
		}
	}
	if r.conn != nil {
		if err := r.conn.Flush(); err != nil {
			r.lost(err)
		}
	}
}

// receive handles the messages of the recorder.
func (r *recording) receive() {
	conn := r.conn
	if conn == nil {
		return
	}
	list, err := conn.Receive()
	for _, m := range list {
		if r.conn == conn {
			r.message(m)
		} else { // an earlier message ended the connection
			closeAll(m.FDs)
		}
	}
	if err != nil && r.conn == conn {
		r.lost(err)
	}
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

// pause sets when the next recorder starts. The pause doubles with each recorder that failed.
func (r *recording) pause() {
	r.retry = r.now() + min(recorderPause<<min(r.failures, 6), recorderPauseMax)
}

// again starts a recorder if there is output to record.
func (r *recording) again() {
	if len(r.outputs) > 0 || len(r.notes) > 0 {
		r.log.Warn("the recorder of job output has ended; starting another one")
		r.start()
	}
}

func (r *recording) message(m recorder.Received) {
	r.heard()
	if m.Kind != recorder.Hello && m.Kind != recorder.Have {
		closeAll(m.FDs)
	}
	switch m.Kind {
	case recorder.Hello:
		r.greet(m)
	case recorder.Have:
		r.have(m)
	case recorder.Ready:
		r.ready, r.met, r.unready = true, true, 0
		r.conn.ExpectPlain()
		r.complain("")
		switch {
		case r.replace:
			r.quit()
		case !r.greeted:
			r.quitting = false
			r.handOver()
			r.handedOver()
		}
		r.forgetTrouble()
	case recorder.Handed:
		if o := r.outputs[m.Run]; o != nil {
			o.handed = m.Message
		}
	case recorder.Began:
		if o := r.outputs[m.Run]; o != nil && m.From != nil {
			o.began = true
			r.count(o)
			r.handle(core.OutputBegan{Run: m.Run, Place: o.place(m)})
		}
	case recorder.Ended:
		r.ended(m)
	case recorder.Refused:
		r.refused[m.Run] = true
		r.offerAt = r.now() + offerPause
	case recorder.Closed:
		r.forget(m.Run)
	case recorder.Trouble:
		r.troubled(m)
	case recorder.Dropped:
		r.lostLines(m.Number, m.Text)
	}
}

// troubled passes on what is wrong with the logs, or with one of them, or that nothing is any more.
func (r *recording) troubled(m recorder.Received) {
	part := "job logs"
	if m.Job != "" {
		part = logOfJob + m.Job
	}
	if m.Text == "" {
		delete(r.trouble, part)
	} else {
		r.trouble[part] = true
	}
	r.handle(core.Trouble{Part: part, Text: m.Text})
}

// keepTrouble ends the trouble with the logs of jobs that do not exist any more.
func (r *recording) keepTrouble(exists func(job string) bool) {
	for part := range r.trouble {
		job, ok := strings.CutPrefix(part, logOfJob)
		if ok && !exists(job) && r.greeted {
			r.conn.Send(recorder.Message{Kind: recorder.Remove, Job: job})
		}
	}
}

// logOfJob is the part of the daemon that is the log of the job whose name follows.
const logOfJob = "log of "

// forgetTrouble ends the trouble that an earlier recorder had and this one has not reported.
func (r *recording) forgetTrouble() {
	for part, current := range r.trouble {
		if !current {
			delete(r.trouble, part)
			r.handle(core.Trouble{Part: part})
		}
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

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
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

// have adds an output that the recorder took over from an earlier daemon.
func (r *recording) have(m recorder.Received) {
	o := r.outputs[m.Run]
	if o == nil {
		o = &output{job: m.Job, label: m.Label, read: -1, write: -1}
		r.outputs[m.Run] = o
	}
	if m.Log != nil {
		o.log = *m.Log
	}
	o.began, o.ended, o.notice = m.Start == "", m.Over, ""
	o.start = m.Start
	if m.Ending && !o.ending {
		o.ending, o.end = true, m.Text
	}
	defer r.count(o)
	for _, fd := range m.FDs {
		if o.read >= 0 {
			unix.Close(o.read)
		}
		o.read = fd
	}
}

// quit ends the recorder, which leaves to the next one all that it has. Until that one has started, the pipes hold the
// output.
func (r *recording) quit() {
	r.replace, r.quitting = false, true
	r.log.Info("replacing the recorder of job output by that of this program")
	r.conn.Send(recorder.Message{Kind: recorder.Quit, Version: r.version})
}

// handOver hands over what the recorder does not have: all, if it is new.
func (r *recording) handOver() {
	r.greeted = true
	for _, run := range slices.Sorted(maps.Keys(r.outputs)) {
		r.send(run, r.outputs[run])
	}
	r.conn.Send(recorder.Message{Kind: recorder.Ready})
	for _, m := range r.notes {
		r.conn.Send(m)
	}
}

// handedOver forgets what must be sent only once.
func (r *recording) handedOver() {
	r.notes = nil
	for _, o := range r.outputs {
		o.notice = ""
	}
}

// ended reports where the output of a run is.
func (r *recording) ended(m recorder.Received) {
	o := r.outputs[m.Run]
	if o == nil || m.From == nil || m.To == nil {
		return
	}
	o.ended = true
	r.count(o)
	r.handle(core.OutputEnded{Run: m.Run, Place: o.place(m)})
	r.placed = append(r.placed, m.Run)
	if m.Closed {
		r.forget(m.Run)
	}
}

// takePlaced returns the runs whose places are on their way to the journal.
func (r *recording) takePlaced() []uint64 {
	list := r.placed
	r.placed = nil
	return list
}

// recorded tells the recorder that the places of some runs are in the journal. Until then only its memory has them.
func (r *recording) recorded(runs []uint64) {
	if !r.greeted { // the next recorder asks again
		return
	}
	for _, run := range runs {
		r.conn.Send(recorder.Message{Kind: recorder.Done, Run: run})
	}
}

func (r *recording) forget(run uint64) {
	o := r.outputs[run]
	if o == nil {
		return
	}
	r.closePipe(o)
	o.ending, o.ended = true, true // nothing of it is awaited
	r.count(o)
	delete(r.outputs, run)
}

// place says where the output of a run is, after a message with positions.
func (o *output) place(m recorder.Received) joblog.Place {
	if o.log.Path != "" {
		return joblog.Place{From: *m.From, To: m.To, Bytes: m.Bytes, Mixed: m.Mixed, Alone: m.Alone}
	}
	p := joblog.Place{Bytes: m.Bytes, Stdout: true}
	if m.To != nil {
		p.To = &joblog.Position{}
	}
	return p
}

// close closes what this loop has of the recorder and of its pipes. The recorder keeps its own copies and continues.
func (r *recording) close() {
	for run := range r.outputs {
		r.forget(run)
	}
	if r.conn != nil {
		r.conn.Close()
		r.conn = nil
	}
	if r.memory >= 0 {
		unix.Close(r.memory)
	}
	if r.aside >= 0 {
		unix.Close(r.aside)
	}
	r.process.Close()
}

// settle compares the runs of the earlier daemon with the outputs that the recorder has, once both are known. The output
// of a run that is over ends. If there was no recorder, the runs that are alive cannot write any more, and their logs say
// so.
func (r *recording) settle(c *core.Core, alive map[uint64]*process) {
	if r.settled {
		return
	}
	for run, p := range alive {
		if p.adopted {
			r.adopted[run] = true
		}
	}
	if !c.Known() || r.seeking || r.conn != nil && !r.greeted {
		return
	}
	r.settled = true
	for run, o := range r.outputs {
		if !o.ending && !o.ended && !c.Lives(run) {
			r.end(core.EndOutput{Run: run, Name: o.job})
		}
	}
	if r.orphaned {
		for run := range r.adopted {
			if p := alive[run]; p != nil && r.outputs[run] == nil {
				r.lose(run, c.Definition(p.job))
			}
		}
	}
	r.adopted = nil
}

// lose says in the log of a run that nobody reads its output any more.
func (r *recording) lose(run uint64, d *jobfile.Definition) {
	if d == nil || d.Log.Discard {
		return
	}
	o := &output{job: d.Name, log: r.logOf(d), read: -1, write: -1, began: true, notice: outputLost(run)}
	r.outputs[run] = o
	if r.send(run, o); r.conn != nil {
		o.notice = ""
	}
}

func outputLost(run uint64) string {
	return fmt.Sprintf("run %d: the daemon and the recorder were killed; the output of the run from here on is lost", run)
}
