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
type searcher struct {
	in          *inbox[searchRequest]
	post        func(any)
	signal      func([]spawn.Search, syscall.Signal) spawn.Findings
	findLeaders func(marks []string) map[string]spawn.Process
	reported    string // the last report about hidden processes
}

// quest is a request of the loop: send a signal to the escaped processes of a run, or count its live processes if the
// signal is 0, or find the leaders of the runs with certain marks.
type searchRequest struct {
	search  spawn.Search
	signal  syscall.Signal
	leaders map[string]core.Outlived // by mark
}

// foundLeaders answers the last kind, by mark.
type foundLeaders map[string]spawn.Process

func newSearcher(post func(any), leaves *spawn.Cgroups) *searcher {
	s := spawn.NewSearcher(leaves)
	h := &searcher{in: newInbox[searchRequest](), post: post, signal: s.Signal, findLeaders: s.FindLeaders}
	go h.run()
	return h
}

func (h *searcher) run() {
	for range h.in.wake {
		h.handle(h.answerLeaders(h.in.take()))
	}
}

// seek answers the requests for leaders and returns the other ones.
func (h *searcher) answerLeaders(quests []searchRequest) (rest []searchRequest) {
	for _, q := range quests {
		if q.leaders == nil {
			rest = append(rest, q)
			continue
		}
		h.post(foundLeaders(h.findLeaders(slices.Collect(maps.Keys(q.leaders)))))
	}
	return rest
}

// turn handles all requests that arrived during the last look with one look per signal: if a thousand runs are stopped
// at once, one look serves all. Signals keep their order, and the counts come last.
func (h *searcher) handle(quests []searchRequest) {
	for len(quests) > 0 {
		signal := quests[0].signal
		for _, q := range quests {
			if q.signal != 0 {
				signal = q.signal
				break
			}
		}
		var prey []spawn.Search
		var rest []searchRequest
		met := map[uint64]bool{}
		for _, q := range quests {
			switch {
			case q.signal != signal:
				rest = append(rest, q)
			case !met[q.search.Run]:
				met[q.search.Run] = true
				prey = append(prey, q.search)
			}
		}
		quests = rest
		catch := h.signal(prey, signal)
		h.reportHidden(catch.Hidden)
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
func (h *searcher) reportHidden(n int) {
	t := core.Trouble{Part: "processes"}
	if n > 0 {
		t.Text = "cannot read the environment of some processes: stopping a run may miss processes that it left behind"
	}
	if t.Text != h.reported {
		h.reported = t.Text
		h.post(t)
	}
}
