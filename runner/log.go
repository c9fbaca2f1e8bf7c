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

// ring is how many lines wait for a reader of the daemon's log that stalls; beyond, lines are dropped and counted.
const ring = 4096

// logger is the helper that writes the daemon's own lines: whoever reads them may stall, the loop does not.
type logger struct {
	hclog.Logger
	lines   chan []byte // nil: open the log anew, in its turn
	dropped atomic.Uint64
	reopen  atomic.Bool // there was no room for that
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

// openLogFile follows no link, like those that open the logs of jobs.
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

// Write takes one line for the helper. It implements io.Writer for the formatter, which leaves some characters as they
// are that a terminal would obey; what they become is right in JSON too.
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
			l.openAnew()
		}
		if line != nil {
			l.out.Write(line)
		}
		if n := l.dropped.Swap(0); n > 0 {
			fmt.Fprintf(l.out, "jobsd: %d lines were dropped: the reader of this log stalled\n", n)
		}
	}
}

func (l *logger) openAnew() {
	f, err := openLogFile(l.path)
	if err != nil {
		fmt.Fprintln(l.out, "jobsd:", err)
		return
	}
	l.out.Close()
	l.out = f
}

// rotate has the log file opened again, for whoever moved it away. It returns false where there is no file.
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

// close writes what is left, as far as the reader takes it within a second.
func (l *logger) close() {
	close(l.lines)
	select {
	case <-l.stopped:
	case <-time.After(time.Second):
	}
}

var hclogLevels = [...]hclog.Level{core.Debug: hclog.Debug, core.Info: hclog.Info, core.Warn: hclog.Warn, core.Error: hclog.Error}

func (l *logger) say(s core.Say) { l.Log(hclogLevels[s.Level], plain.Line(s.Text), s.Args...) }

// These keep what is said in one line, whatever strangers have brought into it; the formatter sees to the arguments only.

func (l *logger) Debug(text string, args ...any) { l.Logger.Debug(plain.Line(text), args...) }
func (l *logger) Info(text string, args ...any)  { l.Logger.Info(plain.Line(text), args...) }
func (l *logger) Warn(text string, args ...any)  { l.Logger.Warn(plain.Line(text), args...) }
func (l *logger) Error(text string, args ...any) { l.Logger.Error(plain.Line(text), args...) }
