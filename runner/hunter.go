package runner

import (
	"maps"
	"slices"
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
)

// hunter is the helper that finds processes that left the group of their run. It looks at every process of the machine,
// which takes too long for the loop.
type hunter struct {
	in       *inbox[quest]
	post     func(any)
	hunt     func([]spawn.Prey, syscall.Signal) spawn.Catch
	find     func(marks []string) map[string]spawn.Process
	reported string // the last report about hidden processes
}

// quest is a request of the loop: send a signal to the escaped processes of a run, or count its live processes if the
// signal is 0, or find the leaders of the runs with certain marks.
type quest struct {
	prey   spawn.Prey
	signal syscall.Signal
	seek   map[string]core.Outlived // by mark
}

// foundLeaders answers the last kind, by mark.
type foundLeaders map[string]spawn.Process

func newHunter(post func(any), leaves *spawn.Cgroups) *hunter {
	s := spawn.NewHunter(leaves)
	h := &hunter{in: newInbox[quest](), post: post, hunt: s.Hunt, find: s.FindLeaders}
	go h.run()
	return h
}

func (h *hunter) run() {
	for range h.in.wake {
		h.turn(h.seek(h.in.take()))
	}
}

// seek answers the requests for leaders and returns the other ones.
func (h *hunter) seek(quests []quest) (rest []quest) {
	for _, q := range quests {
		if q.seek == nil {
			rest = append(rest, q)
			continue
		}
		h.post(foundLeaders(h.find(slices.Collect(maps.Keys(q.seek)))))
	}
	return rest
}

// turn handles all requests that arrived during the last look with one look per signal: if a thousand runs are stopped
// at once, one look serves all. Signals keep their order, and the counts come last.
func (h *hunter) turn(quests []quest) {
	for len(quests) > 0 {
		signal := quests[0].signal
		for _, q := range quests {
			if q.signal != 0 {
				signal = q.signal
				break
			}
		}
		var prey []spawn.Prey
		var rest []quest
		met := map[uint64]bool{}
		for _, q := range quests {
			switch {
			case q.signal != signal:
				rest = append(rest, q)
			case !met[q.prey.Run]:
				met[q.prey.Run] = true
				prey = append(prey, q.prey)
			}
		}
		quests = rest
		catch := h.hunt(prey, signal)
		h.tellHidden(catch.Hidden)
		for run := range met {
			if signal == 0 {
				h.post(core.Probed{Run: run, Left: catch.Left[run]})
			}
			if pids := catch.Killed[run]; len(pids) > 0 {
				h.post(core.Killed{Run: run, PIDs: pids})
			}
		}
	}
}

// tellHidden reports that a hunt may have missed processes.
func (h *hunter) tellHidden(n int) {
	t := core.Trouble{Part: "processes"}
	if n > 0 {
		t.Text = "cannot read the environment of some processes: stopping a run may miss processes that it left behind"
	}
	if t.Text != h.reported {
		h.reported = t.Text
		h.post(t)
	}
}
