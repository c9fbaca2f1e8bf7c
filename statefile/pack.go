package statefile

import (
	"bytes"
	"reflect"
	"sync"
)

// A packed job is its JSON without the fields that are as in a new job. Each other field is one byte with its place in
// the struct, its JSON, and a zero byte, which JSON does not contain. Most fields of most jobs are as in a new job, so
// this takes a fifth of the memory.

// newJob is the JSON of a new job.
type newJob struct {
	text   []byte
	values []span // where the values of the fields are
}

type span struct{ begin, end int }

func (n *newJob) value(i int) []byte { return n.text[n.values[i].begin:n.values[i].end] }

var theNewJob = sync.OnceValue(func() *newJob {
	var e encoder
	n := &newJob{}
	v := reflect.ValueOf(&Job{}).Elem()
	e.b = append(e.b, '{')
	for i, f := range fieldsOf(v.Type()) {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		e.b = append(e.b, f.key...)
		begin := len(e.b)
		e.value(v.FieldByIndex(f.index))
		n.values = append(n.values, span{begin, len(e.b)})
	}
	n.text = append(e.b, '}')
	return n
})

// pack appends a packed job.
func (e *encoder) pack(j *Job) {
	v := reflect.ValueOf(j).Elem()
	for i, f := range fieldsOf(v.Type()) {
		begin := len(e.b)
		e.b = append(e.b, byte(i))
		e.value(v.FieldByIndex(f.index))
		if bytes.Equal(e.b[begin+1:], theNewJob().value(i)) {
			e.b = e.b[:begin]
			continue
		}
		e.b = append(e.b, 0)
	}
}

// unpack appends the JSON of a packed job.
func (e *encoder) unpack(packed []byte) {
	n, done := theNewJob(), 0
	for len(packed) > 0 {
		field := n.values[packed[0]]
		value, rest, _ := bytes.Cut(packed[1:], []byte{0})
		e.b = append(append(e.b, n.text[done:field.begin]...), value...)
		done, packed = field.end, rest
	}
	e.b = append(e.b, n.text[done:]...)
}
