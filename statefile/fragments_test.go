package statefile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFragments compares the list with a map.
func TestFragments(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, seed))
	var l fragments
	want := map[string]string{}
	for range 20_000 {
		name, text := fmt.Sprint("job", rng.IntN(200)), fmt.Sprint(rng.IntN(100_000))
		switch rng.IntN(3) {
		case 0:
			l.set(name, []byte(text))
			want[name] = text
		case 1:
			l.remove(name)
			delete(want, name)
		}
		if _, has := want[name]; l.has(name) != has {
			t.Fatalf("seed %d: has(%s) is %t", seed, name, !has)
		}
		if rng.IntN(20) > 0 {
			continue
		}
		var names []string
		for _, f := range l.inOrder() {
			if names = append(names, f.name); string(f.packed) != want[f.name] {
				t.Fatalf("seed %d: %s is %s, want %s", seed, f.name, f.packed, want[f.name])
			}
		}
		if all := slices.Sorted(maps.Keys(want)); !slices.Equal(names, all) {
			t.Fatalf("seed %d: %v, want %v", seed, names, all)
		}
	}
}

// TestFragmentsStay: no job moves when others are added or removed. Otherwise the removal of many would take the square of
// their number.
func TestFragmentsStay(t *testing.T) {
	const n = 100
	var l fragments
	for i := range n {
		l.set(fmt.Sprintf("job%03d", i), []byte("{}"))
	}
	for i := range n {
		l.set(fmt.Sprintf("a%03d", n-i), []byte("{}"))
		l.remove(fmt.Sprintf("job%03d", i))
	}
	for i := range n {
		if name := l.list[i].name; name != fmt.Sprintf("job%03d", i) {
			t.Fatalf("%s is at %d", name, i)
		}
	}
	if list := l.inOrder(); len(list) != n || list[0].name != "a001" {
		t.Errorf("%d jobs, first %s", len(list), list[0].name)
	}
}
