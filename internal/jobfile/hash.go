package jobfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
)

// hash sets the hashes of the definition. They depend on the values of the keys, not on how these were written, and
// leave out defaults. So a hash does not change when a file is rewritten or when a later jobsd has more keys.
func (d *draft) hash() {
	when := append([]byte("schedule="), d.schedule...)
	command := d.printCommand(nil)
	seen := jobKeys.print(slices.Clone(command), d, process)
	all := strconv.AppendQuote([]byte("name="), d.Name)
	if d.Notify != nil {
		all = notifyKeys.print(append(all, "\nnotify="...), &notification{*d.Notify, &d.Notify.Mail}, 0)
	}
	all = jobKeys.print(append(all, '\n'), d, 0)

	d.ScheduleHash, d.ProcessHash, d.Hash = digest(when), digest(seen), digest(when, command, all)
}

func digest(parts ...[]byte) Hash {
	sum := sha256.Sum256(bytes.Join(parts, []byte("\n")))
	return Hash(max(1, binary.BigEndian.Uint64(sum[:])))
}

// printCommand appends what the process sees besides the values of single keys: the command, the user, and whether the
// output is kept.
func (d *draft) printCommand(b []byte) []byte {
	b = printList(printText[string])(append(b, "argv="...), d.Argv)
	if u := d.User; u != nil {
		b = strconv.AppendQuote(append(b, "\nuser="...), u.Name)
		b = strconv.AppendQuote(append(b, ' '), u.Home)
		b = strconv.AppendQuote(append(b, ' '), u.Shell)
		for _, id := range append([]uint32{u.UID, u.GID}, u.Groups...) {
			b = strconv.AppendUint(append(b, ' '), uint64(id), 10)
		}
	}
	b = append(b, '\n')
	if d.Log.Discard {
		b = append(b, "discard\n"...)
	}
	return b
}
