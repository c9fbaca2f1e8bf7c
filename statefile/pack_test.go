package statefile

import (
	"bytes"
	"reflect"
	"testing"
)

func TestPack(t *testing.T) {
	r := newRand(t)
	for range 200 {
		var j Job
		for i := range reflect.TypeFor[Job]().NumField() {
			if r.IntN(4) == 0 {
				fillRandom(r, reflect.ValueOf(&j).Elem().Field(i))
			}
		}
		var plain, packed, unpacked encoder
		plain.object(&j)
		packed.pack(&j)
		unpacked.unpack(packed.b)
		if !bytes.Equal(unpacked.b, plain.b) {
			t.Fatalf("unpacked %s\nwant %s", unpacked.b, plain.b)
		}
	}
}

func TestPackNewJob(t *testing.T) {
	var e encoder
	if e.pack(&Job{}); len(e.b) != 0 {
		t.Errorf("a new job takes %d bytes: %q", len(e.b), e.b)
	}
}
