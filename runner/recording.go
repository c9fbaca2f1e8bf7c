package runner

import (
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/joblog"
	"jobsd/internal/recorder"
	"jobsd/runner/core"
)

// recording is the loop's side of the recorder, the process that reads the output of all runs and writes the job logs.
// The loop only makes the pipes. It keeps a copy of each read end, so that no run gets SIGPIPE if the recorder dies,
// and a new recorder continues with the same pipes.
type recording struct {
	recorderProcess
	logDir string
	option jobfile.Output // of the command line, which wins over jobsd.toml
	output jobfile.Output // for runs that start now
	log    *logger
	handle func(core.Event)
	now    func() time.Duration // monotonic

	outputs map[uint64]*output
	placed  []uint64       // runs whose places or outcomes go to the journal now
	kept    map[uint64]int // the pidfds that the recorder keeps, or will once there is one
	onKept  func(run uint64, pidfd int)
	notes   []recorder.Message // that wait for the hello
	refused map[uint64]bool    // outputs for which the recorder had no room
	offerAt time.Duration      // when they are offered again
	awaited int                // outputs of which the recorder has something to report
	silent  silence
	dropped uint64          // lines that standard output did not take
	trouble map[string]bool // parts of the daemon with trouble that a recorder has reported; true: this recorder

	closer recorder.Closer
	busy   bool // more runs start in the next turn, so what can wait waits

	settled bool            // the runs of the earlier daemon and their outputs were compared
	adopted map[uint64]bool // the runs of the earlier daemon, until then
}

// newRecording returns the recording of a daemon. Another daemon may own the run directory, with its own recorder.
func newRecording(o Options, id string, foreign bool, to jobfile.Output, log *logger, handle func(core.Event), now func() time.Duration) *recording {
	r := &recording{recorderProcess: newRecorderProcess(o, id), logDir: o.Dirs.Log, option: o.Output, log: log, handle: handle, now: now,
		outputs: map[uint64]*output{}, kept: map[uint64]int{}, refused: map[uint64]bool{}, trouble: map[string]bool{}, adopted: map[uint64]bool{}}
	r.setOutput(to)
	if foreign {
		r.avoidRunDir()
	}
	r.connect()
	return r
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
		o = &output{job: d.Name, log: r.logOf(d), start: s.Marker}
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
	r.closeWrite(o)
	if o.read >= 0 {
		if r.conn != nil {
			r.conn.Withdraw(o.read)
		}
		r.closer.Close(o.read)
		o.read = -1
	}
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
		r.closeWrite(o)
	}
}

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
	r.closeWrite(o)
	o.ending, o.end = true, e.Marker
	r.count(o)
	r.request(recorder.Message{Kind: recorder.End, Run: e.Run, Job: o.job, Log: &o.log, Text: o.end})
}

// note writes a marker between runs, and output that belongs to it.
func (r *recording) note(e core.Marker) {
	if e.Job == nil || e.Job.Log.Discard {
		return
	}
	log := r.logOf(e.Job)
	r.request(recorder.Message{Kind: recorder.Note, Job: e.Job.Name, Log: &log, Text: e.Text, Output: e.Output})
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

// handOver hands over what the recorder does not have: all, if it is new.
func (r *recording) handOver() {
	r.greeted = true
	for _, run := range slices.Sorted(maps.Keys(r.outputs)) {
		r.send(run, r.outputs[run])
	}
	for _, run := range slices.Sorted(maps.Keys(r.kept)) {
		r.sendKept(run)
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

// close closes what this loop has of the recorder and of its pipes. The recorder keeps its own copies and continues.
func (r *recording) close() {
	for run := range r.outputs {
		r.forget(run)
	}
	r.closer.Flush()
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
