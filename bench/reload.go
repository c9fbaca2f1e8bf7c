package main

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	startTime  = "from the start to ready"
	reloadTime = "reload of one changed file: from HUP to the line in the log"
	reloadCPU  = "reload of one changed file: CPU"
)

// reload starts a daemon with many job files, changes one of them, and asks for a reload.
var reload = &benchmark{
	name:    "reload",
	about:   "many job files, one of them changed, beside a look at the stamps of all files",
	figures: []figure{{reloadTime, unitSeconds}, {reloadCPU, unitSeconds}, {startTime, unitSeconds}},
	rounds:  7,
	prepare: func(w *bench) ([]entry, string, error) {
		n := w.size(10_000, 10_000)
		const reloads = 3
		root, err := w.makeRoot(idleJobs(n))
		if err != nil {
			return nil, "", err
		}
		// A stamp of a file that was younger than a second when it was read does not count, so a daemon that starts now would
		// read all of them twice.
		if err := w.until(time.Now().Add(2 * time.Second)); err != nil {
			return nil, "", err
		}
		floor := entry{"floor: stat of all files; to start, read", func(*bench) (values, error) {
			return bareReload(filepath.Join(root, "jobs.d"), reloads)
		}}
		own := w.jobsds(func(w *bench, program string) (values, error) { return w.reloads(program, root, n, reloads) })
		return w.with(floor, own, reloadPeers(n, reloads)...), plural(n, "job file") + ", one changed", nil
	},
}

// bareReload reads all files once, as a start must, and then looks at the stamps of all, as a reload must.
func bareReload(dir string, times int) (got values, err error) {
	got = values{}
	buffer := make([]byte, 4096)
	if got[startTime], _, err = eachFile(dir, func(fd int, name string) error {
		file, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(file)
		_, err = unix.Read(file, buffer)
		return err
	}); err != nil {
		return nil, err
	}
	var took, used []float64
	for range times {
		time, cpu, err := eachFile(dir, func(fd int, name string) error {
			var st unix.Stat_t
			return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		})
		if err != nil {
			return nil, err
		}
		took, used = append(took, time), append(used, cpu)
	}
	got[reloadTime], got[reloadCPU] = median(took), median(used)
	return got, nil
}

// eachFile does something with all files of a directory, and returns how long that took, and how much CPU time.
func eachFile(dir string, do func(fd int, name string) error) (took, used float64, err error) {
	cpu, began := ownUsage(syscall.RUSAGE_SELF), time.Now()
	f, err := os.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		if err := do(int(f.Fd()), name); err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began).Seconds(), ownUsage(syscall.RUSAGE_SELF) - cpu, nil
}

// reloads starts a daemon without a state, and reloads some times.
func (w *bench) reloads(program, root string, files, times int) (got values, err error) {
	for _, dir := range []string{"state", "log", "run"} {
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	d, err := w.startDaemon(program, root)
	if err != nil {
		return nil, err
	}
	defer d.stop()
	ready, _, _ := d.wrote(0, " ready: ")
	got = values{startTime: ready.at.Sub(began).Seconds()}
	var took, used []float64
	for range times {
		one, err := w.reloadChanged(d, files)
		if err != nil {
			return nil, err
		}
		took, used = append(took, one[reloadTime]), append(used, one[reloadCPU])
	}
	got[reloadTime] = median(took)
	if showsUsage {
		got[reloadCPU] = median(used)
	}
	return got, nil
}

// reloadChanged changes one of the files and reloads, as soon as the daemon is at rest.
func (w *bench) reloadChanged(d *daemon, files int) (values, error) {
	if err := w.waitQuiet(d.pid()); err != nil {
		return nil, err
	}
	name := filepath.Join(d.root, "jobs.d", idleName(files/2))
	if err := os.WriteFile(name, []byte(idleJob(int(time.Now().UnixMicro()))), 0o644); err != nil {
		return nil, err
	}
	before, lines, began := cpuOfAll(d.pid()), d.written(), time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return nil, err
	}
	l, err := w.waitLine(d.process, lines, " reloaded: ")
	if err != nil {
		return nil, err
	}
	if err := w.waitQuiet(d.pid()); err != nil {
		return nil, err
	}
	return values{reloadTime: l.at.Sub(began).Seconds(), reloadCPU: usedSince(before, cpuOfAll(d.pid()))}, nil
}
