package statefile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/crc32"
)

// Each line of the journal, and the whole state file, ends with a member "crc": the CRC-32C of all bytes of the
// object before the comma of that member, as eight hexadecimal digits. For a reader of JSON it is an ordinary member,
// and a program can verify a line without parsing JSON. Quotes inside texts are escaped, so crcKey occurs nowhere
// else.

const (
	crcKey = `,"crc":"`
	crcEnd = `"}`
	crcLen = len(crcKey) + 8 + len(crcEnd)
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errChecksum   = errors.New("its checksum does not match")
	errNoChecksum = errors.New("it has no checksum")
)

// checksum continues the sum of the bytes before b. The sum of no bytes is 0.
func checksum(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

// appendChecksum ends an object whose sum is known.
func appendChecksum(b []byte, sum uint32) []byte {
	b = append(b, crcKey...)
	b = hex.AppendEncode(b, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return append(b, crcEnd...)
}

// verified returns the part of an object before its checksum, which must match. A newline may follow the object.
func verified(object []byte) ([]byte, error) {
	object = bytes.TrimSuffix(object, []byte("\n"))
	n := len(object) - crcLen
	if n < 0 || !bytes.HasPrefix(object[n:], []byte(crcKey)) {
		if bytes.Contains(object, []byte(crcKey)) {
			return nil, errChecksum
		}
		return nil, errNoChecksum
	}
	if !bytes.Equal(object[n:], appendChecksum(nil, checksum(0, object[:n]))) {
		return nil, errChecksum
	}
	return object[:n], nil
}

// pastChecksum reports whether something follows the checksum of an object.
func pastChecksum(text []byte) bool {
	i := bytes.Index(text, []byte(crcKey))
	return i >= 0 && len(text) > i+crcLen
}
