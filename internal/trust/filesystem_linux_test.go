package trust

import (
	"os"
	"testing"
)

// TestLocalType checks that file systems that other machines or programs can serve are not local.
func TestLocalType(t *testing.T) {
	for _, kind := range []string{"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse", "fuse.sshfs", "fuse.glusterfs", "fuseblk",
		"afs", "ceph", "lustre", "gpfs", "gfs2", "ocfs2", "beegfs", "orangefs", "coda", "ncpfs", ""} {
		if LocalType(kind) {
			t.Errorf("%q counts as local", kind)
		}
	}
	for _, kind := range []string{"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "vfat"} {
		if !LocalType(kind) {
			t.Errorf("%q does not count as local", kind)
		}
	}
}

func TestFileSystem(t *testing.T) {
	if kind, local, err := FileSystem("/proc"); err != nil || kind != "proc" || !local {
		t.Errorf("/proc: %q, local %t, %v", kind, local, err)
	}
	if _, _, err := FileSystem("/proc/none"); !os.IsNotExist(err) {
		t.Errorf("a missing path: %v", err)
	}
}

func TestMountID(t *testing.T) {
	if id := mountID("pos:\t0\nflags:\t012200000\nmnt_id:\t28\nino:\t2\n"); id != 28 {
		t.Errorf("the id is %d", id)
	}
}
