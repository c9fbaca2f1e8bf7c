package statefile

import "golang.org/x/sys/unix"

// A state directory has an id, which is part of the marks of its runs. A copy of the directory has the same id, but
// the processes belong to the daemon of the original. So within one boot the id belongs to the directory with this
// device and inode; a directory with another device or inode is a copy and gets a new id. No process survives a
// reboot, so a directory that was moved or restored before the boot keeps its id.

// place returns the device and the inode of the directory.
func (d *dir) place() (device, inode uint64, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(d.Self.Fd()), &st); err != nil {
		return 0, 0, err
	}
	return uint64(st.Dev), st.Ino, nil
}

// stamp records the place of this directory in facts that are about to be written, because the directory may have
// been made again since the daemon started.
func (d *dir) stamp(facts *Facts) (err error) {
	if facts.Inode != 0 {
		facts.Device, facts.Inode, err = d.place()
	}
	return err
}

// Place returns the device and the inode of the state directory.
func (j *Journal) Place() (device, inode uint64, err error) { return j.dir.place() }

// Copied reports whether the facts come from another directory, so that the directory in that place is a copy. An
// empty boot id may stand for any boot.
func (f *Facts) Copied(bootID string, device, inode uint64) bool {
	return f.Inode != 0 && (f.BootID == bootID || bootID == "") && (f.Device != device || f.Inode != inode)
}
