package main

import (
	"context"
	"errors"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// testBench returns a bench whose context ends with the test.
func testBench(t *testing.T) *bench {
	return &bench{Context: t.Context(), options: &options{}, tools: &tools{}, scratch: t.TempDir()}
}

// TestStop checks that nothing is left of a process and of what it has started.
func TestStop(t *testing.T) {
	w := testBench(t)
	p, err := launch("sh", syscall.SIGTERM, "/bin/sh", "-c", "sleep 1000 & echo child $!; wait")
	if err != nil {
		t.Fatal(err)
	}
	l, err := w.waitLine(p, 0, "child ")
	if err != nil {
		p.stop()
		t.Fatal(err)
	}
	child, err := strconv.Atoi(l.text[len("child "):])
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	if !p.ended() {
		t.Error("the process has not ended")
	}
	err = w.await("the end of the child", patience, func() (bool, error) {
		return syscall.Kill(child, 0) == syscall.ESRCH, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestEndedEarly checks that a wait for a line ends with the process, and says what it wrote.
func TestEndedEarly(t *testing.T) {
	w := testBench(t)
	p, err := launch("sh", syscall.SIGTERM, "/bin/sh", "-c", "echo no such luck; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	_, err = w.waitLine(p, 0, "ready")
	if want := "sh has ended: no such luck"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestInterruptedWait(t *testing.T) {
	w := testBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.Context = ctx
	cancel()
	if err := w.await("nothing", patience, func() (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("await: got %v", err)
	}
	if err := w.until(time.Now().Add(patience)); !errors.Is(err, context.Canceled) {
		t.Errorf("until: got %v", err)
	}
}
