package jobfile

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// hash makes the hashes of the definition. They are of what the keys come to, not of how they were written, and leave
// out what has its default: so they stay as they are when a file is written anew, and when a later jobsd has more keys.
func (d *draft) hash() {
	when := append([]byte("schedule="), d.schedule...)
	process := d.printProcess(nil)
	all := append(append([]byte(nil), when...), '\n')
	all = append(all, process...)
	all = append(strconv.AppendQuote(append(all, "name="...), d.Name), '\n')
	if d.Notify != nil {
		all = notifyKeys.print(append(all, "notify\n"...), &notification{*d.Notify, &d.Notify.Mail}, 0)
	}
	all = jobKeys.print(all, d, 0)

	// one string for the three
	s := hex.EncodeToString(append(append(short(when), short(process)...), short(all)...))
	d.ScheduleHash, d.ProcessHash, d.Hash = s[:16], s[16:32], s[32:]
}

func short(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:8]
}

// printProcess appends what the process of the job sees: how it is executed, as whom, where, and what its output is.
func (d *draft) printProcess(b []byte) []byte {
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
	return jobKeys.print(b, d, process)
}
