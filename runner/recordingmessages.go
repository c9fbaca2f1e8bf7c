package runner

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/recorder"
	"jobsd/runner/core"
)

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

// attend does what is due: it starts a recorder again, checks that it answers, and sends what is waiting.
func (r *recording) attend() {
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
	r.flush()
	if !r.busy {
		r.closer.Flush()
	}
}

// flush sends what is waiting.
func (r *recording) flush() {
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
	if len(list) > 0 && r.conn == conn {
		r.heard()
	}
	if err != nil && r.conn == conn {
		r.lost(err)
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

func (r *recording) message(m recorder.Received) {
	if m.Kind != recorder.Hello && m.Kind != recorder.Have && m.Kind != recorder.Kept {
		closeAll(m.FDs)
	}
	switch m.Kind {
	case recorder.Hello:
		r.greet(m)
	case recorder.Have:
		r.have(m)
	case recorder.Kept:
		for _, fd := range m.FDs {
			r.onKept(m.Run, fd)
		}
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
	if !o.fresh { // otherwise the previous daemon was killed before the fork, and this one has made another pipe
		o.start = m.Start
	}
	if m.Ending && !o.ending {
		o.ending, o.end = true, m.Text
	}
	defer r.count(o)
	for _, fd := range m.FDs {
		switch {
		case o.fresh:
			unix.Close(fd)
			continue
		case o.read >= 0:
			unix.Close(o.read)
		}
		o.read = fd
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

// logOfJob is the part of the daemon that is the log of the job whose name follows.
const logOfJob = "log of "

// keepTrouble ends the trouble with the logs of jobs that do not exist any more.
func (r *recording) keepTrouble(exists func(job string) bool) {
	for part := range r.trouble {
		job, ok := strings.CutPrefix(part, logOfJob)
		if ok && !exists(job) && r.greeted {
			r.conn.Send(recorder.Message{Kind: recorder.Remove, Job: job})
		}
	}
}

// forgetTrouble ends the trouble that an earlier recorder had and this one has not reported.
func (r *recording) forgetTrouble() {
	for part, current := range r.trouble {
		if !current {
			delete(r.trouble, part)
			r.handle(core.Trouble{Part: part})
		}
	}
}
