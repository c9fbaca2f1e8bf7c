package runner

import "time"

func (d *disk) update(p publish) {
	for _, c := range p.changes {
		if c.Job == nil {
			d.state.Remove(c.Name)
		} else {
			d.state.Update(c.Name, c.Job)
		}
	}
	d.state.SetDaemon(p.daemon)
	d.dirty, d.ready = true, p.ready
	if p.loaded {
		d.garbage.loaded()
	}
}

// writeWait returns how long the next write of the state must wait.
func (d *disk) writeWait() time.Duration {
	now := readClocks().Mono
	wait := d.pace.Wait(now)
	if d.trouble["state"] != "" {
		wait = max(wait, d.retry-now)
	}
	return wait
}

// write publishes the state.
func (d *disk) write() {
	failpoint("state")
	began := readClocks().Mono
	err := d.anew(d.state.Write)
	now := readClocks().Mono
	d.pace.Wrote(now, now-began)
	d.dirty = err != nil
	d.report("state", err)
	if d.ready && !d.told { // also where it cannot be written: the daemon works
		d.told = true
		d.post(published{})
	}
}
