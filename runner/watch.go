package runner

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
)

const (
	// watchQuiet is how long the directories must be quiet before the files are read: an editor or a package manager
	// writes a file in several steps.
	watchQuiet = 500 * time.Millisecond
	// maxWatchDelay is how long a directory that keeps changing can delay a reload.
	maxWatchDelay = 5 * time.Second
	// watchRetry is the pause before the daemon tries again to watch a directory.
	watchRetry = 10 * time.Second
)

// watcher tells the loader when job files or jobsd.toml change, if the settings ask for that. It belongs to the
// goroutine of the loader. While it is off, it holds no descriptor and costs nothing.
type watcher struct {
	jobs, config string
	post         func(any)

	notify *fsnotify.Watcher // nil while it is off
	loaded string            // the fingerprint of the last load
	first  time.Time         // the first change since then; zero: none
	ready  <-chan time.Time  // when to compare the files, or to retry the watch
	broken bool              // it should watch but cannot
}

// set starts or ends the watch according to the settings of a load.
func (w *watcher) set(set *jobfile.Set) {
	w.loaded, w.first = set.Fingerprint, time.Time{}
	switch {
	case !set.Config.Watch:
		w.close()
		w.report(nil)
	case w.notify == nil || w.broken:
		w.open()
	}
}

// open watches the two directories and not the files: an editor replaces a file by another one, but the directory
// stays.
func (w *watcher) open() {
	w.close()
	var err error
	if w.notify, err = fsnotify.NewWatcher(); err == nil {
		err = w.notify.Add(w.jobs)
	}
	if err == nil && w.config != "" {
		err = w.notify.Add(filepath.Dir(w.config))
	}
	if err != nil {
		w.close()
		w.ready = time.After(watchRetry)
		err = fmt.Errorf("cannot watch the job files, so changes need \"jobsd reload\": %w", err)
	}
	w.report(err)
}

func (w *watcher) close() {
	if w.notify != nil {
		w.notify.Close()
	}
	w.notify, w.ready = nil, nil
}

// report tells the core about trouble, or its end.
func (w *watcher) report(err error) {
	if err == nil && !w.broken {
		return
	}
	w.broken = err != nil
	trouble := core.Trouble{Part: "watch"}
	if err != nil {
		trouble.Text = err.Error()
	}
	w.post(trouble)
}

// wait returns when a load is requested or the files have changed.
func (w *watcher) wait(asked <-chan struct{}) {
	for {
		var events chan fsnotify.Event
		var errs chan error
		if w.notify != nil {
			events, errs = w.notify.Events, w.notify.Errors
		}
		select {
		case <-asked:
			return
		case e := <-events:
			w.changed(e)
		case <-errs: // some changes were not reported, so compare the files
			w.changed(fsnotify.Event{})
		case <-w.ready:
			w.ready = nil
			if w.notify == nil {
				w.open()
			}
			if w.differs() {
				return
			}
		}
	}
}

// changed records a change in the directories, which may be of a file that is not read.
func (w *watcher) changed(e fsnotify.Event) {
	if e.Name == w.jobs && e.Has(fsnotify.Remove|fsnotify.Rename) { // the directory is gone, and so is the watch
		w.close()
		w.broken = true
	}
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.ready = time.After(max(0, min(watchQuiet, w.first.Add(maxWatchDelay).Sub(now))))
}

// differs reports whether the files differ from those of the last load.
func (w *watcher) differs() bool {
	w.first = time.Time{}
	now, err := jobfile.Fingerprint(w.jobs, w.config)
	return err == nil && now != w.loaded
}
