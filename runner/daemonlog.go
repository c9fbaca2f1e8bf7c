package runner

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
	"jobsd/runner/core"
)

// ring is how many lines are kept for a stalled reader of the daemon's log. Further lines are dropped and counted.
const ring = 4096

// logger is the helper that writes the daemon's own log. A reader of the log may stall, but the loop must not.
type logger struct {
	hclog.Logger
	lines   chan []byte // nil: reopen the log
	dropped atomic.Uint64
	reopen  atomic.Bool // reopen the log; there was no room for the nil
	stopped chan struct{}
	path    string // "": stderr
	out     *os.File
}

func newLogger(o Options) (*logger, error) {
	l := &logger{lines: make(chan []byte, ring), stopped: make(chan struct{}),
		path: o.LogFile, out: os.Stderr}
	if l.path != "" {
		f, err := openLogFile(l.path)
		if err != nil {
			return nil, err
		}
		l.out = f
	}
	l.Logger = hclog.New(&hclog.LoggerOptions{Name: "jobsd", Level: hclog.LevelFromString(o.LogLevel), Output: l,
		JSONFormat: o.LogFormat == "json", DisableTime: false})
	go l.run()
	return l, nil
}

// openLogFile follows no link, like the functions that open the logs of jobs.
func openLogFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, fmt.Errorf("cannot open the daemon's log: %w", err)
	}
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && st.Size() == 0 {
		f.Chmod(0o640) // whatever the umask is
	}
	return f, nil
}

// Write queues one line for the helper. It implements io.Writer for the formatter, which leaves some characters that a
// terminal would obey. The escapes for them are valid JSON, too.
func (l *logger) Write(line []byte) (int, error) {
	var b []byte
	for _, r := range string(line) {
		if plain.Hidden(r) && r != '\n' {
			b = fmt.Appendf(b, "\\u%04x", r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	select {
	case l.lines <- b:
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

var _ io.Writer = (*logger)(nil)

func (l *logger) run() {
	defer close(l.stopped)
	for line := range l.lines {
		if late := l.reopen.Swap(false); late || line == nil {
			l.reopenFile()
		}
		if line != nil {
			l.out.Write(line)
		}
		if n := l.dropped.Swap(0); n > 0 {
			fmt.Fprintf(l.out, "jobsd: %d lines were dropped: the reader of this log stalled\n", n)
		}
	}
}

func (l *logger) reopenFile() {
	f, err := openLogFile(l.path)
	if err != nil {
		fmt.Fprintln(l.out, "jobsd:", err)
		return
	}
	l.out.Close()
	l.out = f
}

// rotate reopens the log file after a program has moved it. It returns false if the log is not a file.
func (l *logger) rotate() bool {
	if l.path == "" {
		return false
	}
	select {
	case l.lines <- nil:
	default:
		l.reopen.Store(true)
	}
	return true
}

// close writes the remaining lines, as far as the reader takes them within a second.
func (l *logger) close() {
	close(l.lines)
	select {
	case <-l.stopped:
	case <-time.After(time.Second):
	}
}

var hclogLevels = [...]hclog.Level{core.Debug: hclog.Debug, core.Info: hclog.Info, core.Warn: hclog.Warn, core.Error: hclog.Error}

func (l *logger) say(s core.Say) { l.Log(hclogLevels[s.Level], plain.Line(s.Text), s.Args...) }

// These keep each message in one line, whatever text of strangers it contains. The formatter only protects the
// arguments.

func (l *logger) Debug(text string, args ...any) { l.Logger.Debug(plain.Line(text), args...) }
func (l *logger) Info(text string, args ...any)  { l.Logger.Info(plain.Line(text), args...) }
func (l *logger) Warn(text string, args ...any)  { l.Logger.Warn(plain.Line(text), args...) }
func (l *logger) Error(text string, args ...any) { l.Logger.Error(plain.Line(text), args...) }
