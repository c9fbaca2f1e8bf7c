package statefile

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "of random tests; 0: another one each time")

// newRand returns a source of random values. If the test fails, it prints the seed.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with: go test -run '^%s$' -seed %d", t.Name(), seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// fillRandom sets v to a random value of its type.
func fillRandom(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int:
		v.SetInt(r.Int64N(1000) - 100)
	case reflect.Int64:
		v.SetInt(randomInt(r, v.Type()))
	case reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(65))
	case reflect.String:
		v.SetString(randomText(r))
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fillRandom(r, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		for i := range v.Len() {
			fillRandom(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			x := reflect.New(v.Type().Elem().Elem())
			fillRandom(r, x.Elem())
			v.SetMapIndex(reflect.ValueOf(randomText(r)), x)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(randomTime(r)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fillRandom(r, v.Field(i))
			}
		}
	}
}

// randomInt returns a random number. For Seconds it is a whole number of microseconds, which JSON can represent
// exactly.
func randomInt(r *rand.Rand, t reflect.Type) int64 {
	if t == secondsType {
		return r.Int64N(1<<r.IntN(52)+1) * 1000
	}
	return int64(r.Uint64()) >> r.IntN(64)
}

func randomText(r *rand.Rand) string {
	var b []rune
	for range r.IntN(12) {
		b = append(b, []rune{'a', 'Z', '7', '"', '\\', '\n', 0x7f, '<', 'é', '世', '\u2028', 1}[r.IntN(12)])
	}
	return string(b)
}

func randomTime(r *rand.Rand) Time {
	if r.IntN(5) == 0 {
		return Time{}
	}
	zone := time.FixedZone("", (r.IntN(27*4)-12*4)*15*60)
	at := time.Unix(r.Int64N(1<<33), 0).Add(time.Duration(r.IntN(2) * r.IntN(1e9))).In(zone)
	return At(at)
}

// same reports whether two values are equal on disk, and fails the test if not.
func same(t *testing.T, what string, got, want any) bool {
	t.Helper()
	a, b := encode(got), encode(want)
	if !bytes.Equal(a, b) {
		t.Errorf("%s:\n got %s\nwant %s", what, a, b)
		return false
	}
	return true
}

// TestEncodeAsStandard compares the encoder with encoding/json.
func TestEncodeAsStandard(t *testing.T) {
	r := newRand(t)
	for range 200 {
		for _, p := range []any{new(Job), new(Daemon), new(JobFacts), new(Facts), new(Running), new(Ended), new(Checkpoint)} {
			fillRandom(r, reflect.ValueOf(p).Elem())
			want, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if err := json.Unmarshal(encode(p), &a); err != nil {
				t.Fatalf("%v: %s", err, encode(p))
			}
			if err := json.Unmarshal(want, &b); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%T:\n got %s\nwant %s", p, encode(p), want)
			}
		}
	}
}

// TestEncodeNil: no list on disk is null, even if the program did not make it.
func TestEncodeNil(t *testing.T) {
	for _, key := range []string{`"running":[]`, `"deaths":[]`} {
		if text := encode(&Job{}); !bytes.Contains(text, []byte(key)) {
			t.Errorf("no %s in %s", key, text)
		}
	}
	if text := encode(&State{}); !bytes.Contains(text, []byte(`"jobs":{}`)) || !bytes.Contains(text, []byte(`"errors":[]`)) {
		t.Errorf("null in %s", text)
	}
}

// TestEncodeOddText: a text that is not UTF-8, such as a path, does not make the document invalid.
func TestEncodeOddText(t *testing.T) {
	if text := encode(&StartError{Path: "/a\xff\x00b"}); !json.Valid(text) {
		t.Errorf("not valid: %q", text)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	r := newRand(t)
	for range 300 {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			record := newRecord(kind)
			fillRandom(r, reflect.ValueOf(record).Elem())
			if job := jobOf(record); job.IsValid() {
				job.SetString("job")
			}
			if c, ok := record.(*Checkpoint); ok {
				c.Version, c.ID = Version, "id"
			}
			at := At(time.Unix(r.Int64N(1<<32)+1, 0))
			var e encoder
			e.entry(Entry{at, record})
			got, err := decodeEntry(e.b)
			if err != nil {
				t.Fatalf("%v: %s", err, e.b)
			}
			if bytes.Count(e.b, []byte("\n")) != 1 || !got.At.Time().Equal(at.Time()) || !same(t, kind, got.Record, record) {
				t.Fatalf("not the same again: %s", e.b)
			}
		}
	}
}

func TestDecodeEntryRefuses(t *testing.T) {
	const at = `"at":"2026-11-23T04:35:00Z"`
	for line, want := range map[string]string{
		``:                                   "unexpected end",
		`null`:                               `unknown kind ""`,
		`{}`:                                 `unknown kind ""`,
		`{"kind":"sneeze",` + at + `}`:       `unknown kind "sneeze"`,
		`{"kind":"ready","jobs":1}`:          "it has no time",
		`{"kind":"ready","at":"now"}`:        `cannot read time "now"`,
		`{"kind":"deleted",` + at + `}`:      "it has no job",
		`{"kind":"ready",` + at + `} x`:      "invalid character",
		`{"kind":"checkpoint",` + at + `}`:   "it has no version",
		checkpointWith(`"version":0`):        "it has the unknown version 0",
		checkpointWith(`"version":"1"`):      "it has no version",
		checkpointWith(`"version":3`):        "it has no id",
		checkpointWith(`"version":4,"x":[]`): ErrNewer.Error(),
		checkpointWith(`"version":2,"x":[]`): ErrOlder.Error(),
	} {
		if _, err := decodeEntry([]byte(line)); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func checkpointWith(fields string) string {
	return fmt.Sprintf(`{"kind":"checkpoint","at":"2026-11-23T04:35:00Z",%s}`, fields)
}

// TestDecodeEntryTolerates: fields of a newer program with the same version are accepted, and JSON in the style of
// another writer.
func TestDecodeEntryTolerates(t *testing.T) {
	e, err := decodeEntry([]byte(`{ "run": 7, "colour": "red", "at": "2026-11-23T04:35:00Z", "job": "a", "kind": "drained" }`))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "drained", e.Record, &Drained{Job: "a", Run: 7})
}

func TestTime(t *testing.T) {
	zone := func(seconds int) *time.Location { return time.FixedZone("", seconds) }
	for _, test := range []struct {
		in   time.Time
		want string
	}{
		{time.Time{}, ""},
		{time.Date(2026, 11, 23, 4, 35, 0, 0, zone(-5*3600)), "2026-11-23T04:35:00-05:00"},
		{time.Date(2026, 11, 23, 4, 35, 0, 0, time.UTC), "2026-11-23T04:35:00Z"},
		{time.Date(2026, 11, 23, 4, 35, 0, 120e6, zone(10*3600+1800)), "2026-11-23T04:35:00.120+10:30"},
		{time.Date(2026, 11, 23, 4, 35, 0, 999999, time.UTC), "2026-11-23T04:35:00Z"},
		{time.Date(2026, 11, 23, 4, 35, 0, 1999999, time.UTC), "2026-11-23T04:35:00.001Z"},
		{time.Date(1900, 1, 1, 0, 0, 0, 0, zone(19*60+32)), "1899-12-31T23:40:28Z"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "9999-12-31T23:59:59Z"},
		{time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "9999-12-31T23:59:59Z"},
	} {
		if got := At(test.in).String(); got != test.want {
			t.Errorf("%v: %q, want %q", test.in, got, test.want)
		}
	}
	if now := time.Now(); At(now).Time().After(now) || now.Sub(At(now).Time()) >= time.Millisecond {
		t.Errorf("At(%v) = %v", now, At(now))
	}
}

func TestSeconds(t *testing.T) {
	for _, test := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0"},
		{time.Nanosecond, "0"},
		{1500 * time.Nanosecond, "0.000002"},
		{59100 * time.Millisecond, "59.1"},
		{-250 * time.Millisecond, "-0.25"},
		{24 * 365 * time.Hour, "31536000"},
		{math.MaxInt64, "9223372036.854776"},
	} {
		got, err := json.Marshal(Seconds(test.in))
		if err != nil || string(got) != test.want {
			t.Errorf("%v: %s, %v, want %s", test.in, got, err, test.want)
		}
	}
	for _, text := range []string{"1e10", "-1e300", `"1"`, "{}"} {
		var s Seconds
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was read as %v", text, time.Duration(s))
		}
	}
}
