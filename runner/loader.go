package runner

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
)

// reloadPause is the shortest time from the end of one load to the beginning of the next. A flood of HUP does not cause
// one load per signal.
const reloadPause = 100 * time.Millisecond

// loader is the helper that reads the job files. A request during a load causes one more load.
type loader struct {
	files *jobfile.Loader
	wake  chan struct{} // capacity 1: requests merge
	post  func(any)
	watch *watcher

	collector *collector
}

func newLoader(files *jobfile.Loader, watch *watcher, gc *collector, post func(any)) *loader {
	l := &loader{files: files, wake: make(chan struct{}, 1), watch: watch, collector: gc, post: post}
	go l.run()
	return l
}

func (l *loader) request() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loader) run() {
	for {
		l.watch.wait(l.wake)
		begun := readClocks().Boot
		l.collector.load()
		set := l.files.Load()
		l.post(core.Loaded{Set: set, Begun: begun, Done: readClocks().Boot})
		l.watch.set(set)
		<-time.After(reloadPause)
	}
}
