package runner

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"jobsd/signals"
)

// TestSendersAreFew: a flood of signals does not flood the log. A sender without a line is counted in the next line.
func TestSendersAreFew(t *testing.T) {
	l, k := testLoop(t, 0)
	var log bytes.Buffer
	l.log = &logger{Logger: hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true})}
	hup := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		var pending signals.Set
		for deadline := time.Now().Add(10 * time.Second); !pending.Has(syscall.SIGHUP); pending, _ = l.pump.Take() {
			if time.Now().After(deadline) {
				t.Fatal("no signal came")
			}
			unix.Poll([]unix.PollFd{{Fd: int32(l.pump.FD()), Events: unix.POLLIN}}, 1000)
		}
		l.senders(pending)
	}
	for range maxSignalLines + 15 {
		hup()
	}
	k.pass(time.Second)
	hup()
	us, more := "pid=unknown uid=unknown exe=unknown how=unknown", ""
	if strings.Contains(log.String(), "how=kill") { // not on every system
		exe, err := os.Readlink("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		us, more = fmt.Sprintf("pid=%d uid=%d exe=%s how=kill", os.Getpid(), os.Getuid(), exe), " more=15"
	}
	line := "[INFO]  signal: name=HUP " + us
	if want := strings.Repeat(line+"\n", maxSignalLines) + line + more + "\n"; log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
}
