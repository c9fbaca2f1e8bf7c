package main

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestStamps(t *testing.T) {
	due := time.Unix(1_800_000_000, 0)
	var text []byte
	for _, late := range []time.Duration{3 * time.Millisecond, time.Millisecond, 9 * time.Millisecond} {
		text = binary.LittleEndian.AppendUint64(text, uint64(due.Add(late).UnixNano()))
		text = binary.LittleEndian.AppendUint64(text, 42)
	}
	all, err := parseStamps(text)
	if err != nil || len(all) != 3 || all[0].pid != 42 {
		t.Fatalf("got %v, %v", all, err)
	}
	if first, last := starts(all, due); first != 0.001 || last != 0.009 {
		t.Errorf("got %v to %v, want 1 ms to 9 ms", first, last)
	}
	if _, err := parseStamps(text[:20]); err == nil {
		t.Error("a stamp that is cut off is accepted")
	}
}
