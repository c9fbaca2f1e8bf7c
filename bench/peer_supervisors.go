package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// supervisorUp is how long a service has been up when it is killed. Supervisors let a service wait that has been up for
// less than a second.
const supervisorUp = 1500 * time.Millisecond

// restartPeers are supervisors with one service.
func restartPeers(kills int) (all []entry) {
	add := func(name, program string, start func(w *bench, dir, stamps string) (*process, error)) {
		if !installed(program) {
			return
		}
		all = append(all, entry{name, func(w *bench) (values, error) {
			return w.restarts(kills, supervisorUp, func(stamps string) (*process, func(), error) {
				dir, err := w.empty("supervisor")
				if err != nil {
					return nil, nil, err
				}
				p, err := start(w, dir, stamps)
				return p, nil, err
			})
		}})
	}
	add("runit", "runsvdir", func(w *bench, dir, stamps string) (*process, error) {
		if err := w.writeRunScript(dir, stamps); err != nil {
			return nil, err
		}
		return launch("runsvdir", syscall.SIGHUP, "runsvdir", dir) // on TERM it would leave its services
	})
	add("s6", "s6-svscan", func(w *bench, dir, stamps string) (*process, error) {
		if err := w.writeRunScript(dir, stamps); err != nil {
			return nil, err
		}
		return launch("s6-svscan", syscall.SIGTERM, "s6-svscan", dir)
	})
	add("supervisord", "supervisord", func(w *bench, dir, stamps string) (*process, error) {
		conf := filepath.Join(dir, "conf")
		text := fmt.Sprintf("[supervisord]\nnodaemon = true\nlogfile = /dev/null\nlogfile_maxbytes = 0\npidfile = %s/pid\n"+
			"[program:service]\ncommand = %s %s stay\nautorestart = true\nstartsecs = 0\nstdout_logfile = NONE\nstderr_logfile = NONE\n",
			dir, w.stamp, stamps)
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			return nil, err
		}
		return launch("supervisord", syscall.SIGTERM, "supervisord", "-n", "-c", conf)
	})
	return all
}

// writeRunScript makes a service directory, as runit and s6 have it.
func (w *bench) writeRunScript(dir, stamps string) error {
	service := filepath.Join(dir, "service")
	if err := os.Mkdir(service, 0o755); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s %s stay\n", w.stamp, stamps)
	return os.WriteFile(filepath.Join(service, "run"), []byte(script), 0o755)
}
