package statefile

import "golang.org/x/sys/unix"

// A state directory has an id, which its runs bear as a mark. A copy of it has the same, but the processes are those of
// the daemon of the original. So within one boot the id belongs to the directory of this device and inode; what has
// another one is a copy and gets an id of its own. Over a boot nothing lives, and a directory that was moved or restored
// keeps its id.

// place returns the device and the inode of the directory.
func (d *dir) place() (device, inode uint64, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(d.self.Fd()), &st); err != nil {
		return 0, 0, err
	}
	return uint64(st.Dev), st.Ino, nil
}

// stamp notes in facts that are about to be written that they are of this directory: it may have been made anew since the
// daemon began.
func (d *dir) stamp(facts *Facts) (err error) {
	if facts.Inode != 0 {
		facts.Device, facts.Inode, err = d.place()
	}
	return err
}

// Place returns the device and the inode of the state directory.
func (j *Journal) Place() (device, inode uint64, err error) { return j.dir.place() }

// Copied tells whether the facts are of another directory than the one in that place: of the one that it is a copy of. An
// empty boot id may be that of any boot.
func (f *Facts) Copied(bootID string, device, inode uint64) bool {
	return f.Inode != 0 && (f.BootID == bootID || bootID == "") && (f.Device != device || f.Inode != inode)
}
