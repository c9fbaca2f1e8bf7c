package statefile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var flipsFlag = flag.Int("flips", 300, "damage the journal and the state file this many times")

// ways are functions that damage a file. Each returns the damaged file and a description of the damage.
var ways = []func(r *rand.Rand, file []byte) ([]byte, string){flipBit, flipBit, flipBit, flipBit, flipBit, dropByte, doubleByte, zeroBlock, dropNewline}

func flipBit(r *rand.Rand, file []byte) ([]byte, string) {
	at, bit := r.IntN(len(file)), r.IntN(8)
	file[at] ^= 1 << bit
	return file, fmt.Sprintf("bit %d of byte %d flipped", bit, at)
}

func dropByte(r *rand.Rand, file []byte) ([]byte, string) {
	at := r.IntN(len(file))
	return append(file[:at], file[at+1:]...), fmt.Sprintf("byte %d removed", at)
}

func doubleByte(r *rand.Rand, file []byte) ([]byte, string) {
	at := r.IntN(len(file))
	return append(bytes.Clone(file[:at+1]), file[at:]...), fmt.Sprintf("byte %d doubled", at)
}

func zeroBlock(r *rand.Rand, file []byte) ([]byte, string) {
	at := r.IntN(len(file))
	n := min(1+r.IntN(600), len(file)-at)
	clear(file[at : at+n])
	return file, fmt.Sprintf("%d bytes from byte %d on zeroed", n, at)
}

func dropNewline(r *rand.Rand, file []byte) ([]byte, string) {
	lines := bytes.SplitAfter(file, []byte("\n"))
	n := r.IntN(len(lines) - 1)
	lines[n] = lines[n][:len(lines[n])-1]
	return bytes.Join(lines, nil), fmt.Sprintf("the newline of line %d removed", n+1)
}

// TestFlippedState damages state files. A reader gets the original contents or an error, and the daemon moves the
// file aside and reports it.
func TestFlippedState(t *testing.T) {
	r := newRand(t)
	dir := t.TempDir()
	w := openState(t, dir)
	for n := range 5 {
		w.Update(fmt.Sprint("job", n), &Job{State: "armed", File: randomText(r), NextRun: someTime, Runs: r.Uint64N(1000)})
	}
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	state, want := read(t, dir, stateName), encode(readState(t, dir))
	silent := 0
	for range *flipsFlag {
		damaged, what := ways[r.IntN(len(ways))](r, bytes.Clone(state))
		write(t, dir, stateName, damaged)
		got, err := ReadState(dir)
		if err == nil && !bytes.Equal(encode(got), want) {
			if silent++; silent <= 3 {
				t.Errorf("%s, but nothing was reported:\n got %s\nwant %s", what, encode(got), want)
			}
		}
		d, openErr := openDir(dir)
		if openErr != nil {
			t.Fatal(openErr)
		}
		messages, e := d.inspect()
		d.Close()
		if (err != nil) != (len(messages) > 0 || e != nil) {
			t.Fatalf("%s: a reader gets %v, the daemon says %q, %v", what, err, messages, e)
		}
		for _, name := range names(t, dir) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("damaged %d times: unreported changes %d", *flipsFlag, silent)
	if silent > 0 {
		t.Errorf("unreported changes: %d of %d", silent, *flipsFlag)
	}
}

// TestFlippedJournal damages journals in one place each. The facts stay the same, or the daemon reports the damage.
// To damage many more: go test ./statefile -run Flipped -flips 10000 -v
func TestFlippedJournal(t *testing.T) {
	r := newRand(t)
	silent, reported, refused, same := 0, 0, 0, 0
	var dir string
	var journal, want []byte
	for n := range *flipsFlag {
		if n%100 == 0 {
			dir = t.TempDir()
			j, facts, _ := open(t, dir)
			tell(t, j, facts, newStory(r), 10+r.IntN(60))
			journal, want = read(t, dir, journalName), encode(facts)
			dir = t.TempDir()
		}
		damaged, what := ways[r.IntN(len(ways))](r, bytes.Clone(journal))
		write(t, dir, journalName, damaged)
		j, facts, messages, err := OpenJournal(dir, 0, 0)
		switch {
		case errors.Is(err, ErrVersion):
			refused++
			continue
		case err != nil:
			t.Fatalf("%s: %v", what, err)
		case len(messages) > 0:
			reported++
		case bytes.Equal(encode(facts), want):
			same++
		default:
			if silent++; silent <= 3 {
				t.Errorf("%s, but nothing was reported:\n got %s\nwant %s", what, encode(facts), want)
			}
		}
		j.Close()
	}
	t.Logf("damaged %d times: reported %d, refused as newer %d, the same facts %d, unreported changes %d", *flipsFlag, reported, refused, same, silent)
	if silent > 0 {
		t.Errorf("unreported changes: %d of %d", silent, *flipsFlag)
	}
}
