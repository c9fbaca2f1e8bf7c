package runner

import (
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
)

// hunter is the helper that finds what a run's processes have left outside of their group. It looks at every process of
// the machine, which is too long for the loop.
type hunter struct {
	in   *inbox[quest]
	post func(any)
	hunt func([]spawn.Prey, syscall.Signal) spawn.Catch
}

// quest is what the loop asks for: a signal for the escapees of a run, or with signal 0 how many live of it.
type quest struct {
	prey   spawn.Prey
	signal syscall.Signal
}

func newHunter(post func(any)) *hunter {
	h := &hunter{in: newInbox[quest](), post: post, hunt: spawn.Hunt}
	go h.run()
	return h
}

func (h *hunter) run() {
	for range h.in.wake {
		h.turn(h.in.take())
	}
}

// turn does in one look what gathered while it was looking: when a thousand runs are stopped at once, that is one look
// for all of them. One signal comes after the other, as each run was sent them; the count comes last.
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
