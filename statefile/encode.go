package statefile

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// spillAt is how much JSON an encoder with a writer collects before it writes.
const spillAt = 64 << 10

// encoder appends values as compact JSON. It uses the same tags as encoding/json and gives the same result, except
// that a nil slice becomes [] (a list on disk is never null). It leaves no garbage and takes less than half the
// time. That matters, because each start of a job needs three entries and three updates.
type encoder struct {
	b   []byte
	w   io.Writer // gets parts of long values during encoding; nil: nothing is written
	err error     // the first error of w

	orders uint64 // number of orders in the journal, see countsAsOrder
	begin  int    // position in b of the first byte of the current line that sum does not include
	sum    uint32 // checksum of the current line before begin
}

// field describes a field of a struct for the encoder.
type field struct {
	index []int
	key   string // the name, with quotes and colon
	omit  bool   // omit the field if it is empty
}

var (
	timeType    = reflect.TypeFor[Time]()
	secondsType = reflect.TypeFor[Seconds]()
	hashType    = reflect.TypeFor[Hash]()
	knownFields sync.Map // of []field by reflect.Type
)

// object appends the struct that p points to.
func (e *encoder) object(p any) { e.value(reflect.ValueOf(p).Elem()) }

// value appends an addressable value.
func (e *encoder) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		e.b = strconv.AppendBool(e.b, v.Bool())
	case reflect.Int, reflect.Int64:
		e.integer(v)
	case reflect.Uint64:
		if v.Type() == hashType {
			e.b = Hash(v.Uint()).appendJSON(e.b)
			return
		}
		e.b = strconv.AppendUint(e.b, v.Uint(), 10)
	case reflect.String:
		e.b = appendString(e.b, v.String())
	case reflect.Pointer:
		if v.IsNil() {
			e.b = append(e.b, "null"...)
			return
		}
		e.value(v.Elem())
	case reflect.Slice:
		e.list(v)
	case reflect.Map:
		e.dictionary(v)
	case reflect.Struct:
		if v.Type() == timeType {
			e.b = v.Addr().Interface().(*Time).appendJSON(e.b)
			return
		}
		e.b = append(e.b, '{')
		e.fields(v, "")
		e.b = append(e.b, '}')
	default:
		panic("cannot encode a " + v.Type().String())
	}
}

func (e *encoder) integer(v reflect.Value) {
	if v.Type() == secondsType {
		e.b = Seconds(v.Int()).appendJSON(e.b)
		return
	}
	e.b = strconv.AppendInt(e.b, v.Int(), 10)
}

func (e *encoder) list(v reflect.Value) {
	e.b = append(e.b, '[')
	for i := range v.Len() {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.value(v.Index(i))
	}
	e.b = append(e.b, ']')
}

// dictionary appends a map from strings to pointers, sorted by key.
func (e *encoder) dictionary(v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	e.b = append(e.b, '{')
	for i, key := range keys {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.b = append(appendString(e.b, key.String()), ':')
		e.value(v.MapIndex(key))
		if e.w != nil && len(e.b) >= spillAt {
			e.spill()
		}
	}
	e.b = append(e.b, '}')
}

// fields appends the fields of a struct. It puts separator in front of the first one.
func (e *encoder) fields(v reflect.Value, separator string) {
	for _, f := range fieldsOf(v.Type()) {
		x := v.FieldByIndex(f.index)
		if f.omit && empty(x) {
			continue
		}
		e.b = append(append(e.b, separator...), f.key...)
		e.value(x)
		separator = ","
	}
}

// spill writes what has been encoded so far.
func (e *encoder) spill() {
	e.sum, e.begin = checksum(e.sum, e.b[e.begin:]), 0
	if e.err == nil {
		_, e.err = e.w.Write(e.b)
	}
	e.b = e.b[:0]
}

func empty(v reflect.Value) bool {
	switch {
	case v.Kind() == reflect.Slice:
		return v.Len() == 0
	case v.Type() == timeType:
		return v.Addr().Interface().(*Time).IsZero()
	}
	return v.IsZero()
}

func fieldsOf(t reflect.Type) []field {
	if known, ok := knownFields.Load(t); ok {
		return known.([]field)
	}
	var list []field
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		list = append(list, field{f.Index, `"` + name + `":`, strings.HasPrefix(options, "omit")})
	}
	knownFields.Store(t, list)
	return list
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s) // never fails on a string
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
