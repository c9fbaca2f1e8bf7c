package statefile

import (
	"encoding/json"
	"testing"
)

func TestHash(t *testing.T) {
	for text, want := range map[string]Hash{`""`: 0, `"00000000000000ff"`: 255, `"fedcba9876543210"`: 0xfedcba9876543210} {
		var h Hash
		if err := json.Unmarshal([]byte(text), &h); err != nil || h != want {
			t.Errorf("%s: read %x, %v", text, uint64(h), err)
		}
		if got, err := json.Marshal(want); err != nil || string(got) != text {
			t.Errorf("%x: wrote %s, %v", uint64(want), got, err)
		}
	}
	for _, text := range []string{`"ff"`, `"fedcba987654321g"`, `7`, `"+edcba9876543210"`} {
		if err := json.Unmarshal([]byte(text), new(Hash)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
