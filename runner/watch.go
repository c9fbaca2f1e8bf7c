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
	// watchQuiet is how long nothing must change before the files are read: an editor or a package manager writes a
	// file in several steps.
	watchQuiet = 500 * time.Millisecond
	// watchMost is how long a directory that keeps changing can hold up a reload.
	watchMost = 5 * time.Second
	// watchRetry is the pause before the daemon tries again to watch a directory.
	watchRetry = 10 * time.Second
)

// watcher tells the loader when job files or jobsd.toml change, where the settings ask for that. It belongs to the
// goroutine of the loader. While the settings do not ask for it, it holds no descriptor and costs nothing.
type watcher struct {
	jobs, config string
	post         func(any)

	notify *fsnotify.Watcher // nil while it does not watch
	loaded string            // the fingerprint of the last load
	first  time.Time         // of the changes since then; zero: there are none
	ready  <-chan time.Time  // when to look at what has changed, or to try again to watch
	broken bool              // it should watch and cannot
}

// set starts or ends the watch, as the settings of a load say.
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

// open watches the two directories: a file that an editor replaces is another file, its directory stays.
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

// report tells the core of trouble, or that there is none any more.
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

// wait returns when somebody asks for a load, or when the files have changed.
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
		case <-errs: // some changes were not reported: look
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

// changed notes that something in the directories has changed, which may be nothing that is read.
func (w *watcher) changed(e fsnotify.Event) {
	if e.Name == w.jobs && e.Has(fsnotify.Remove|fsnotify.Rename) { // it is gone, and with it the watch
		w.close()
		w.broken = true
	}
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	w.ready = time.After(max(0, min(watchQuiet, w.first.Add(watchMost).Sub(now))))
}

// differs tells whether the files are other ones than at the last load.
func (w *watcher) differs() bool {
	w.first = time.Time{}
	now, err := jobfile.Fingerprint(w.jobs, w.config)
	return err == nil && now != w.loaded
}
