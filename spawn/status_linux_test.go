package spawn

import (
	"os"
	"testing"
)

func TestStandingOf(t *testing.T) {
	needProc(t)
	p := mustLaunch(t, shell("sleep 1000; exit"), true)
	until(t, "living child", func() bool { return len(childrenOf(p.PID)) == 1 })
	s, err := standingOf(p.PID)
	if err != nil || s.Parent != os.Getpid() || s.Group != p.PID || s.Session != p.PID || s.ended() {
		t.Errorf("of the leader: %+v, %v", s, err)
	}
	child := childrenOf(p.PID)[0]
	if s, err := standingOf(child); err != nil || s.Parent != p.PID || s.Group != p.PID || s.Session != p.PID {
		t.Errorf("of its child: %+v, %v", s, err)
	}
	if _, err := standingOf(1<<22 + 1); err == nil {
		t.Error("standingOf a pid that does not exist: no error")
	}
}

// What the loop asks of a process must not wait for it.
func TestStandingOfHidden(t *testing.T) {
	needProc(t)
	p := startHidden(t, 1, testID+"/job/1")[0]
	inTime(t, "what the loop asks", func() {
		if s, err := standingOf(p.PID); err != nil || s.Session != p.PID {
			t.Errorf("%+v, %v", s, err)
		}
		if !IsChild(p.PID) || zombie(p.PID) {
			t.Errorf("child: %t, zombie: %t", IsChild(p.PID), zombie(p.PID))
		}
		if q, ok := Adopt(p); !ok {
			t.Error("it cannot be adopted")
		} else if _, known := AdoptedStatus(q); known {
			t.Error("the exit status is known although the process is alive")
		} else {
			q.Close()
		}
		Leftovers(&p)
	})
}
