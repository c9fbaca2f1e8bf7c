package runner

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"

	"jobsd/spawn"
)

// unknownBoot begins the id of a boot that nothing distinguishes from others. The id is unique, so that nothing that an
// earlier daemon recorded matches it.
const unknownBoot = "unknown-"

// whichBoot returns the id of this boot. For PID 1 of a container, each start of the container is a boot. If nothing
// distinguishes one boot from another, trouble says so.
func whichBoot(kernel, runDir string, start uint64, hand *Handover) (id, trouble string) {
	if id = kernel; id == "" {
		var err error
		if id, err = spawn.KeptBootID(runDir); err != nil {
			id = anyBoot(hand)
			trouble = "cannot distinguish one boot of the machine from another, so at_boot starts no job: the kernel shows no boot id, and " +
				strings.TrimPrefix(err.Error(), "cannot keep a boot id: ")
		}
	}
	if os.Getpid() != 1 {
		return id, trouble
	}
	return strings.TrimPrefix(id, unknownBoot) + "/" + strconv.FormatUint(start, 10), ""
}

// anyBoot returns a new id, or the id of the program that this one continues after an upgrade.
func anyBoot(hand *Handover) string {
	if hand != nil && strings.HasPrefix(hand.Boot, unknownBoot) {
		return hand.Boot
	}
	var b [16]byte
	rand.Read(b[:]) // never fails
	return unknownBoot + hex.EncodeToString(b[:])
}

func isUnknownBoot(id string) bool { return id == "" || strings.HasPrefix(id, unknownBoot) }

// sameBoot compares two boots. An unknown boot equals no other.
func sameBoot(a, b string) bool { return a == b && a != "" }
