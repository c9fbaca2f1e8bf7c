package runner

import (
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
)

// searcher is the helper that finds processes that left the group of their run. It looks at every process of the
// machine, which takes too long for the loop.
type searcher struct {
	in          *inbox[searchRequest]
	post        func(any)
	signal      func([]spawn.Search, syscall.Signal) spawn.Findings
	findLeaders func(tags []string) map[string]spawn.Process
	reported    string // the last report about hidden processes
}

// searchRequest is a request of the loop: send a signal to the escaped processes of a run, or count its live processes
// if the signal is 0, or find the leaders of the runs with certain tags.
type searchRequest struct {
	search  spawn.Search
	signal  syscall.Signal
	leaders []string // the tags
}

// foundLeaders answers the last kind, by tag.
type foundLeaders map[string]spawn.Process

func newSearcher(post func(any), leaves *spawn.Cgroups) *searcher {
	s := spawn.NewSearcher(leaves)
	h := &searcher{in: newInbox[searchRequest](), post: post, signal: s.Signal, findLeaders: s.FindLeaders}
	go h.run()
	return h
}

func (h *searcher) run() {
	for range h.in.wake {
		h.handle(h.answerLeaders(h.in.Take()))
	}
}

// answerLeaders answers the requests for leaders and returns the other ones.
func (h *searcher) answerLeaders(requests []searchRequest) (rest []searchRequest) {
	for _, q := range requests {
		if q.leaders == nil {
			rest = append(rest, q)
			continue
		}
		h.post(foundLeaders(h.findLeaders(q.leaders)))
	}
	return rest
}

// handle handles all requests that arrived during the last look with one look per signal: if a thousand runs are
// stopped at once, one look serves all. Signals keep their order, and the counts come last.
func (h *searcher) handle(requests []searchRequest) {
	for len(requests) > 0 {
		signal := requests[0].signal
		for _, q := range requests {
			if q.signal != 0 {
				signal = q.signal
				break
			}
		}
		var searches []spawn.Search
		var rest []searchRequest
		met := map[uint64]bool{}
		for _, q := range requests {
			switch {
			case q.signal != signal:
				rest = append(rest, q)
			case !met[q.search.Run]:
				met[q.search.Run] = true
				searches = append(searches, q.search)
			}
		}
		requests = rest
		found := h.signal(searches, signal)
		h.reportHidden(found.Hidden)
		for run := range met {
			if signal == 0 {
				h.post(core.Probed{Run: run, Left: found.Left[run]})
			}
			if pids := found.Killed[run]; len(pids) > 0 {
				h.post(core.Killed{Run: run, PIDs: pids})
			}
		}
	}
}

// reportHidden reports that a search may have missed processes.
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
