package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// server is the recorder process: one goroutine that reads all pipes and writes all logs.
type server struct {
	arena    *arena
	wait     *waiter
	listener int // where a new daemon connects; -1: nowhere
	socket   socketFile
	daemon   *Conn
	parent   *Conn  // to the daemon that started this recorder
	crowded  bool   // the recorder has too few free descriptors to receive more
	id       string // of the state directory of the daemon
	program  string // its version when it started this recorder
	greeted  bool   // a daemon has said hello
	// strangers are connections that have not said hello yet, by their descriptors.
	strangers map[int]*Conn
	deaf      time.Time // until then no connection is accepted
	full      bool      // the socket to the daemon is full, and the recorder waits for room in it
	settings  Settings
	console   *console
	quitting  bool          // another recorder takes over
	next      int           // the version of its memory
	handed    bool          // the daemon has been told, or will be, what the next recorder needs
	draining  bool          // the daemon waits until all lines are on standard output
	again     time.Duration // when to look after standard output again, at the latest; negative: at the next event

	runs map[uint64]*run
	byFD map[int]*run // by the read end
	// refused has the runs for which there was no room.
	refused map[uint64]bool
	logs    map[string]*logFile // by path, or by job if there is no file
	young   []uint64            // runs that began in this turn

	resting       bool   // the collector is off
	taken         int    // bytes of output in this turn
	begun         int    // runs that began in this turn
	stuck         bool   // the current write waits for the disk, or the recorder does not know all runs yet
	taking        bool   // the first daemon has not handed over all runs yet
	trouble       string // why it is stuck, as the daemon knows it; "": it is not
	salvaged      uint64 // the run whose output is in the input; 0: none
	salvagedBytes int
	notes         []note

	inbox    []Received // messages of the daemon that are not handled yet
	undone   bool       // there is something to do that runs wait for
	calls    calls
	finished chan error
}

// note is a marker between runs that waits for the disk.
type note struct {
	job  string
	log  Log
	text string
}

// moment is the pause after a turn with little output. What comes meanwhile costs one turn: the lines of a run that
// writes each by itself, and the small things of many runs that start or end together. A pipe holds what the fastest
// such run writes meanwhile. Programs that buffer their output write more than littleOutput at once.
// Only a test changes it.
var moment = time.Millisecond

const (
	littleOutput = 4096

	// While many runs start, the recorder leaves the processors to them. Its pause is longer after a turn in which herd runs
	// or more began.
	herd     = 4
	herdTime = 100 * time.Millisecond

	retryAfter = time.Second // how often a recorder that is stuck tries again
	maxNotes   = 10_000      // that wait for the disk
	drainAfter = 10 * time.Millisecond
)

func newServer(arena *arena, wait *waiter, listener int) *server {
	return &server{arena: arena, wait: wait, listener: listener, settings: Settings{Group: -1}, console: newConsole(), again: -1, resting: true,
		strangers: map[int]*Conn{}, refused: map[uint64]bool{}, runs: map[uint64]*run{}, byFD: map[int]*run{}, logs: map[string]*logFile{}}
}

// serve works until there is neither a daemon nor a pipe. The first daemon is at the other end of fd.
func (s *server) serve(fd int) error {
	// What an earlier recorder was reading stays in the input until the daemon has handed over all runs. Nothing is read
	// or written before that, because only then it is known which runs have a log in common.
	s.taking = true
	s.salvaged, s.salvagedBytes = s.arena.salvage()
	if err := s.prepareCalls(); err != nil {
		return err
	}
	s.resume() // what an earlier recorder was writing
	s.connect(fd)
	s.parent = s.daemon
	s.finished = make(chan error, 1)
	go func() { s.finished <- s.work() }()
	return <-s.finished
}

// work works in the goroutine that owns the recorder now, see [server.takeOver].
func (s *server) work() error {
	for s.daemon != nil || len(s.byFD) > 0 {
		s.taken, s.begun = 0, 0
		if err := s.turn(); err != nil {
			return err
		}
		switch {
		case s.taken >= littleOutput:
		case s.begun >= herd:
			unix.Poll(nil, int(herdTime.Milliseconds()))
		default:
			unix.Poll(nil, int(moment.Milliseconds()))
		}
	}
	for _, r := range s.ordered() { // no daemon says how they ended
		if !r.ended && !s.stuck {
			s.endMarker(r)
		}
	}
	s.console.drain()
	s.socket.remove() // the next daemon sees that nothing was lost
	return nil
}

func (s *server) turn() error {
	if err := s.wait.pause(s.stuck || s.quitting); err != nil {
		return err
	}
	timeout := s.again
	switch {
	case timeout >= 0:
	case s.stuck:
		timeout = retryAfter
	case !s.resting:
		timeout = restAfter
	}
	if !s.deaf.IsZero() && (timeout < 0 || timeout > retryAfter) {
		timeout = retryAfter
	}
	if s.daemon != nil && s.waitsForDescriptors() && (timeout < 0 || timeout > RestTime) {
		timeout = RestTime
	}
	ready, err := s.wait.next(timeout)
	if err != nil {
		return fmt.Errorf("cannot wait for output: %w", err)
	}
	if len(ready) == 0 && timeout == restAfter {
		s.rest()
		return nil
	}
	s.wake()
	if s.crowded {
		s.receive()
	}
	if err := s.listenAgain(); err != nil {
		return err
	}
	s.undone = s.stuck
	for _, fd := range ready {
		switch r := s.byFD[fd]; {
		case r != nil && !s.stuck && !s.quitting:
			s.readPipe(r, readSize)
		case fd == s.listener:
			s.accept()
		case fd == s.calls.wake[0]:
			s.freed()
		case s.daemon != nil && fd == s.daemon.FD():
			s.receive()
		case s.strangers[fd] != nil:
			s.meet(s.strangers[fd])
		}
	}
	return s.endTurn()
}

// endTurn does what does not depend on the descriptors that are ready.
func (s *server) endTurn() error {
	s.handleInbox()
	if s.undone {
		s.retry()
	}
	s.tellBegun()
	s.again = s.watchConsole()
	if err := s.flush(); err != nil {
		return err
	}
	s.makeWay()
	return nil
}

// quit prepares the end of this recorder for another one.
func (s *server) quit(version int) {
	s.next, s.quitting = version, true
	for _, r := range s.runs {
		if r.held != nil && version == Version {
			s.quitting = false
			s.send(Message{Kind: Ready})
			return
		}
	}
}

// makeWay ends this recorder if another one takes over and nothing is left that only this one knows.
func (s *server) makeWay() {
	if !s.quitting || len(s.notes) > 0 {
		return
	}
	if s.next != Version {
		if s.stuck {
			return
		}
		if !s.handed {
			s.handed = true
			s.handOver()
		}
		if s.flush() != nil || s.daemon == nil || s.daemon.Waiting() {
			return
		}
	}
	s.console.drain()
	os.Exit(0)
}

// handOver tells the daemon what the memory has, for a recorder that cannot read it.
func (s *server) handOver() {
	for _, r := range s.ordered() {
		slot := s.arena.slot(r.slot)
		m := Message{Kind: Handed, Run: r.number, From: &joblog.Position{Inode: slot.inode, At: slot.at}, Bytes: slot.bytes,
			Mixed: slot.mixedFrom(), Line: s.arena.unfinished(r.slot), Logged: slot.line}
		if slot.line > 0 {
			m.LineEnd = &joblog.Position{Inode: slot.lineIn, At: slot.lineAt}
		}
		s.send(m)
	}
}

// watchConsole tells the daemon about the lines for standard output. It returns when to do so again, at the latest; a
// negative time is at the next event.
func (s *server) watchConsole() time.Duration {
	if s.daemon == nil {
		return -1
	}
	m, news, busy := s.console.report()
	if news {
		s.send(m)
	}
	if s.draining && s.console.drained() {
		s.draining = false
		s.send(Message{Kind: Drained})
	}
	switch {
	case s.draining:
		return drainAfter
	case busy:
		return retryAfter
	}
	return -1
}

// retry continues the write for which the disk had no room, and then what has waited for it or for a pipe.
func (s *server) retry() {
	if s.resume(); s.stuck {
		return
	}
	s.undone = false
	if s.useSalvage(); s.stuck {
		return
	}
	if s.trouble != "" {
		s.trouble = ""
		s.send(Message{Kind: Trouble})
	}
	// That the output of a run is lost must stand in front of its end marker.
	for len(s.notes) > 0 && !s.stuck {
		n := s.notes[0]
		s.notes = s.notes[1:]
		s.note(n)
	}
	s.useLate()
	for _, r := range s.ordered() {
		s.advance(r)
		s.drop(r)
	}
}

func (s *server) ordered() []*run {
	return slices.SortedFunc(maps.Values(s.runs), func(a, b *run) int { return cmp.Compare(a.number, b.number) })
}

// stick makes the recorder wait until the current write is possible.
func (s *server) stick(err error) {
	s.stuck = true
	if s.trouble == "" {
		s.trouble = fmt.Sprintf("cannot write job logs, so runs that print much wait: %v", err)
		s.send(Message{Kind: Trouble, Text: s.trouble})
	}
}

// complain reports why the log of a job cannot be written and its output is discarded, or, without an error, that it
// can again.
func (s *server) complain(w *write, err error) {
	if l := s.logs[w.file()]; l != nil {
		s.complainOf(l, err)
	}
}

func (s *server) complainOf(l *logFile, err error) {
	if (l.trouble != "") == (err != nil) {
		return
	}
	l.trouble = ""
	if err != nil {
		l.trouble = fmt.Sprintf("cannot write the log of %s, so its output is discarded: %v", l.job, err)
	}
	s.send(Message{Kind: Trouble, Job: l.job, Text: l.trouble})
}

// complete is the end of the current write. After an error its text is discarded.
func (s *server) complete(w *write, err error) {
	if err != nil {
		w.inode, w.at, w.line = 0, 0, 0
	}
	s.arena.done()
	var r *run
	if w.slot > 0 {
		r = s.runs[s.arena.slot(int(w.slot-1)).run]
	}
	switch {
	case r == nil:
	case w.first > 0:
		r.start = ""
		if r.log.Path != "" {
			s.mix(r)
		}
		s.young = append(s.young, r.number)
	case w.last > 0:
		r.ending, r.ended = false, true
		s.ended(r)
	}
}

// tellBegun tells the daemon which runs began in this turn. The end of a run says where it began, too.
func (s *server) tellBegun() {
	for _, number := range s.young {
		if r := s.runs[number]; r != nil && !r.ended {
			s.began(r)
		}
	}
	s.young = s.young[:0]
}

func (s *server) began(r *run) {
	slot := s.arena.slot(r.slot)
	s.send(Message{Kind: Began, Run: r.number, From: &joblog.Position{Inode: slot.inode, At: slot.at}, Mixed: slot.mixedFrom()})
}

func (s *server) ended(r *run) {
	slot := s.arena.slot(r.slot)
	s.send(Message{Kind: Ended, Run: r.number, Bytes: slot.bytes, Closed: r.fd < 0,
		From: &joblog.Position{Inode: slot.inode, At: slot.at}, To: &joblog.Position{Inode: slot.end, At: slot.endAt},
		Mixed: slot.mixedFrom(), Alone: slot.inode > 0 && slot.mixed == 0})
}

func (s *server) send(m Message) {
	if s.daemon != nil {
		s.daemon.Send(m)
	}
}

func (s *server) flush() error {
	if s.daemon == nil {
		return nil
	}
	if err := s.daemon.Flush(); err != nil {
		s.lastWords()
		return nil
	}
	if s.crowded || s.daemon.Waiting() == s.full {
		return nil
	}
	s.full = !s.full
	return s.wait.alsoWritable(s.daemon.FD(), s.full)
}

// lastWords handles what a daemon that is gone has sent before: there may be pipes that nobody else has.
func (s *server) lastWords() {
	s.receive()
	if s.daemon != nil {
		s.hangUp()
	}
}

func (s *server) hangUp() {
	s.wait.remove(s.daemon.FD())
	s.daemon.Close()
	s.daemon, s.full, s.crowded, s.draining = nil, false, false, false
	clear(s.refused)
	s.quitting, s.handed = false, false // that daemon did not start another recorder
	s.tookAll()
}

// tookAll begins the work: all runs are known.
func (s *server) tookAll() {
	if !s.taking {
		return
	}
	s.taking, s.undone = false, true
	s.mixAll()
	s.arena.keepOnly(func(run uint64) bool { return s.runs[run] != nil || s.refused[run] })
}

func (s *server) connect(fd int) {
	conn, err := NewConn(fd)
	if err == nil {
		err = s.wait.add(fd)
	}
	if err != nil {
		unix.Close(fd)
		return
	}
	s.daemon = conn
}

// receive takes the messages of the daemon. The first daemon is trusted to be the right one, because it has started this
// recorder.
func (s *server) receive() {
	conn := s.daemon
	list, err := conn.Receive()
	if len(list) > 0 && !s.greeted {
		if list[0].Kind != Hello {
			closeAll(list)
			s.hangUp()
			return
		}
		s.id, s.program, s.greeted = list[0].ID, list[0].Program, true
	}
	s.take(conn, list, err)
}

func (s *server) take(conn *Conn, list []Received, err error) {
	s.inbox = append(s.inbox, list...)
	s.handleInbox()
	if err != nil && s.daemon == conn {
		s.hangUp()
	}
	if s.daemon == conn {
		s.leaveOutDaemon()
	}
}

// waitsForDescriptors reports whether the connection to the daemon must be tried again without an event.
func (s *server) waitsForDescriptors() bool {
	in, out := s.daemon.Resting()
	return in || out
}

// leaveOutDaemon leaves out the socket to the daemon while there are too few free descriptors. Runs that end free some, and until
// then new ones wait.
func (s *server) leaveOutDaemon() {
	in, _ := s.daemon.Resting()
	if in == s.crowded {
		return
	}
	if s.crowded = in; in {
		s.wait.remove(s.daemon.FD())
		return
	}
	s.full = false
	if err := s.wait.add(s.daemon.FD()); err != nil {
		s.hangUp()
	}
}

func (s *server) handleInbox() {
	for len(s.inbox) > 0 {
		m := s.inbox[0]
		s.inbox = s.inbox[1:]
		s.handle(m)
	}
}

func (s *server) handle(m Received) {
	if !m.Kind.bringsDescriptors() {
		closeAll([]Received{m})
	}
	switch m.Kind {
	case Hello:
		if s.daemon != nil {
			s.hello(m)
		}
	case Begin, Resume:
		s.begin(m)
	case End:
		s.end(m)
	case Done:
		if r := s.runs[m.Run]; r != nil {
			r.done = true
			s.drop(r)
		}
	case Note:
		if m.Log != nil {
			s.note(note{m.Job, *m.Log, m.Text})
		}
	case Ready:
		s.tookAll()
	case Remove:
		s.remove(m.Job)
	case Change:
		s.change(m)
	case Drain:
		s.draining = true
	case Ping:
		s.send(Message{Kind: Pong})
	case Quit:
		s.quit(m.Version)
	}
}

// hello answers the daemon with all that this recorder has.
func (s *server) hello(m Received) {
	s.change(m)
	s.console.said = "" // this daemon knows nothing
	memory := []int{s.arena.fd}
	if s.daemon == s.parent { // it has the memory, and may have no room for another descriptor
		memory = nil
	}
	s.daemon.Send(Message{Kind: Hello, Version: Version, ID: s.id, Program: s.program}, memory...)
	for _, r := range s.ordered() {
		have := Message{Kind: Have, Run: r.number, Job: r.job, Label: r.label, Log: &r.log.Log, Over: r.ended, Closed: r.fd < 0,
			Start: r.start, Ending: r.ending, Text: r.end}
		if r.fd >= 0 {
			s.daemon.Send(have, r.fd)
		} else {
			s.daemon.Send(have)
		}
		switch slot := s.arena.slot(r.slot); {
		case r.ended && !r.done:
			s.ended(r)
		case slot.inode > 0:
			s.began(r)
		}
		if r.held != nil {
			s.tellHeld(r)
		}
	}
	if s.trouble != "" {
		s.daemon.Send(Message{Kind: Trouble, Text: s.trouble})
	}
	for _, l := range s.logs {
		if l.trouble != "" {
			s.daemon.Send(Message{Kind: Trouble, Job: l.job, Text: l.trouble})
		}
	}
	s.daemon.Send(Message{Kind: Ready})
}

func (s *server) change(m Received) {
	if m.Settings != nil {
		s.settings = *m.Settings
	}
	switch {
	case len(m.FDs) == 1:
		s.console.turnTo(newOutlet(m.FDs[0]))
	case len(m.FDs) > 1:
		closeAll([]Received{m})
	case s.settings.Stdout != "":
		s.console.turnTo(newFileOutlet(s.settings.Stdout, s.settings.Group))
	}
}

// begin takes over the pipe of a run.
func (s *server) begin(m Received) {
	pipe := m.Descriptors > 0
	if len(m.FDs) != m.Descriptors || len(m.FDs) > 1 || m.Kind == Begin && !pipe {
		s.refuse(m)
		return
	}
	r := s.run(m)
	if r == nil {
		s.refuse(m)
		return
	}
	if m.Kind == Begin && r.fd >= 0 { // the start failed and is tried again with another pipe
		s.closePipe(r)
	}
	switch {
	case !pipe:
	case r.fd >= 0:
		unix.Close(m.FDs[0])
	default:
		fd := m.FDs[0]
		if unix.SetNonblock(fd, true) != nil || s.wait.addPipe(fd) != nil {
			s.refuse(m)
			return
		}
		r.fd = fd
		s.byFD[fd] = r
	}
	delete(s.refused, m.Run)
	slot := s.arena.slot(r.slot)
	switch {
	case slot.end > 0:
		r.ended = true
		s.ended(r)
	case m.Over: // only the pipe is left, and the daemon knows all else
		r.ended, r.done = true, true
	case slot.inode > 0: // an earlier recorder wrote the marker and died before it said so
		s.began(r)
	case m.Kind == Begin:
		r.start = m.Text
		s.begun++
	}
	s.advance(r)
}

// refuse leaves a run to the daemon, which hands it over again later. Its end waits for that, too.
func (s *server) refuse(m Received) {
	closeAll([]Received{m})
	if m.Run == 0 || m.Log == nil {
		return
	}
	if m.Kind != End {
		s.refused[m.Run] = true
	}
	s.send(Message{Kind: Refused, Run: m.Run})
}

// useSalvage writes what an earlier recorder read.
func (s *server) useSalvage() {
	if s.salvaged == 0 {
		return
	}
	r := s.runs[s.salvaged]
	s.salvaged = 0
	if r != nil { // otherwise no daemon has the run
		s.received(r, s.salvagedBytes)
	}
	s.arena.got()
}

// run returns the run of a message. It makes it if it is not known.
func (s *server) run(m Received) *run {
	if r := s.runs[m.Run]; r != nil {
		return r
	}
	if m.Log == nil || m.Run == 0 {
		return nil
	}
	n := s.arena.takeWith(firstSlot(m), m.Line)
	if n < 0 {
		return nil
	}
	r := &run{number: m.Run, job: m.Job, label: cmp.Or(m.Label, strconv.FormatUint(m.Run, 10)), log: s.logOf(m.Job, *m.Log), fd: -1, slot: n}
	r.log.runs[r] = true
	s.runs[m.Run] = r
	return r
}

// firstSlot returns the slot of a run that a recorder of another version has handed over, or that is new.
func firstSlot(m Received) slot {
	first := slot{run: m.Run, bytes: m.Bytes}
	if m.From != nil {
		first.inode, first.at = m.From.Inode, m.From.At
	}
	if m.Mixed != nil {
		first.mixed, first.from = m.Mixed.Inode, m.Mixed.At
	}
	if m.LineEnd != nil {
		first.line, first.lineIn, first.lineAt = m.Logged, m.LineEnd.Inode, m.LineEnd.At
	}
	return first
}

func (s *server) logOf(job string, log Log) *logFile {
	key := cmp.Or(log.Path, job) // a path begins with a slash
	l := s.logs[key]
	if l == nil {
		l = &logFile{job: job, runs: map[*run]bool{}}
		s.logs[key] = l
	}
	l.Log = log
	return l
}

// end handles the end of a run. The run is not known if it ended while there was no recorder.
func (s *server) end(m Received) {
	if s.refused[m.Run] { // its output comes first
		return
	}
	r := s.run(m)
	if r == nil {
		s.refuse(m)
		return
	}
	if r.ended || s.arena.slot(r.slot).end > 0 {
		r.ended = true
		s.ended(r)
		return
	}
	r.finish(m.Text)
	s.advance(r)
}

// note writes a marker between runs.
func (s *server) note(n note) {
	switch {
	case !s.stuck:
		l := s.logOf(n.job, n.log)
		s.put(nil, l, appendMarker(s.newText(), n.text), &write{})
		s.console.marker(l, "", n.text)
		s.forget(l)
	case len(s.notes) < maxNotes:
		s.notes = append(s.notes, n)
	}
}

// drop forgets a run of which nothing more can come.
func (s *server) drop(r *run) {
	if !r.done || r.fd >= 0 || s.stuck || s.runs[r.number] != r { // the current write may be that of the run
		return
	}
	s.console.end(r)
	s.arena.give(r.slot)
	delete(s.runs, r.number)
	delete(r.log.runs, r)
	s.forget(r.log)
}

// remove ends the trouble of the logs of a job that does not exist any more.
func (s *server) remove(job string) {
	for _, l := range s.logs {
		if l.job == job && len(l.runs) == 0 && l.trouble != "" {
			l.trouble = ""
			s.send(Message{Kind: Trouble, Job: job})
			s.forget(l)
		}
	}
}

func (s *server) forget(l *logFile) {
	if len(l.runs) == 0 && l.trouble == "" {
		delete(s.logs, cmp.Or(l.Path, l.job))
	}
}

// errNotStarted means that a person started the recorder.
var errNotStarted = errors.New("only the daemon itself starts a recorder")
