package runner

import (
	"cmp"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/recorder"
	"jobsd/runner/core"
)

// setOutput applies the settings of jobsd.toml to runs that start from now on.
func (r *recording) setOutput(to jobfile.Output) {
	had := r.usesStdout()
	r.output = jobfile.Output{Output: cmp.Or(r.option.Output, to.Output), Format: cmp.Or(r.option.Format, to.Format)}
	if r.conn != nil && !had && r.usesStdout() {
		r.configure(recorder.Message{Kind: recorder.Change})
	}
}

// usesStdout reports whether runs write to standard output, also those that started under other settings.
func (r *recording) usesStdout() bool {
	for _, o := range r.outputs {
		if o.log.Stdout != "" {
			return true
		}
	}
	return r.output.Output != "files"
}

// setGroup sets the group of new log files.
func (r *recording) setGroup(gid int) {
	if r.settings.Group == gid {
		return
	}
	r.settings.Group = gid
	if r.greeted {
		r.configure(recorder.Message{Kind: recorder.Change})
	}
}

// configure sends the settings. The standard output of the daemon goes with them if jobs write to it. A recorder that is
// older than this daemon has another one.
func (r *recording) configure(m recorder.Message) {
	m.Settings = &r.settings
	if r.usesStdout() && r.settings.Stdout == "" {
		r.conn.Send(m, unix.Stdout)
	} else {
		r.conn.Send(m)
	}
}

// lostLines counts lines that standard output did not take. The daemon's log says it when it begins and when it ends.
func (r *recording) lostLines(n uint64, why string) {
	const part = "standard output"
	r.dropped += n
	if why == "" && n > 0 {
		r.log.Warn("standard output takes the output of jobs again", "dropped_lines", r.dropped)
	}
	r.handle(core.Trouble{Part: part, Text: why})
}

// drainTime is how long the end of the daemon waits for its standard output. If it is the first process of a container,
// the recorder ends with it.
const drainTime = 5 * time.Second

// drain waits until all lines are on standard output, as far as somebody takes them.
func (r *recording) drain() {
	if r.conn == nil || !r.greeted || r.output.Output == "files" {
		return
	}
	r.conn.Send(recorder.Message{Kind: recorder.Drain})
	for end := readClocks().Mono + drainTime; readClocks().Mono < end; {
		if r.conn.Flush() != nil {
			return
		}
		ms := int(max(0, end-readClocks().Mono) / time.Millisecond)
		if _, err := unix.Poll([]unix.PollFd{r.poll()}, ms); err != nil && err != unix.EINTR {
			return
		}
		list, err := r.conn.Receive()
		for _, m := range list {
			if m.Kind == recorder.Drained {
				return
			}
		}
		if err != nil {
			return
		}
	}
	r.log.Warn(fmt.Sprintf("standard output did not take all output of jobs within %v", drainTime))
}
