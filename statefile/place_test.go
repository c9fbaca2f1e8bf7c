package statefile

import "testing"

// TestPlaceOfDirectory: a renamed directory is the same directory. Another directory with the same contents is a copy
// within the boot, but not after it.
func TestPlaceOfDirectory(t *testing.T) {
	j, facts, _ := open(t, t.TempDir())
	device, inode, err := j.Place()
	if err != nil || inode == 0 {
		t.Fatal(device, inode, err)
	}
	facts.Apply(Entry{someTime, &Start{BootID: "boot", Device: device, Inode: inode}})
	for _, test := range []struct {
		boot          string
		device, inode uint64
		want          bool
	}{
		{"boot", device, inode, false},
		{"boot", device, inode + 1, true},
		{"boot", device + 1, inode, true},
		{"another", device, inode + 1, false},
		{"", device, inode + 1, true},
		{"", device, inode, false},
	} {
		if got := facts.Copied(test.boot, test.device, test.inode); got != test.want {
			t.Errorf("%+v: copied %t", test, got)
		}
	}
}
