package control

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// requests are valid and invalid requests; the fuzzer starts from them.
var requests = map[string]Code{
	`{"version":1,"verb":"start","job":"a"}`:                                                       "",
	`{"version":1,"verb":"start","job":"a","args":["x",""],"wait":true}`:                           "",
	`{"version":1,"verb":"restart","job":"a","wait":true}`:                                         "",
	`{"version":1,"verb":"stop","job":"a","run":7}`:                                                "",
	`{"version":1,"verb":"reload"}`:                                                                "",
	`{"version":1,"verb":"reload","job":"a"}`:                                                      BadRequest,
	`{"version":1,"verb":"start"}`:                                                                 BadRequest,
	`{"version":1,"verb":"start","job":"a","run":7}`:                                               BadRequest,
	`{"version":1,"verb":"stop","job":"a","wait":true}`:                                            BadRequest,
	`{"version":1,"verb":"stop","job":"a","args":["x"]}`:                                           BadRequest,
	`{"version":1,"verb":"stop","job":"a","run":-1}`:                                               BadRequest,
	`{"version":1,"verb":"start","job":"a","args":["\u0000"]}`:                                     BadRequest,
	`{"version":1,"verb":"start","job":"a","in":1000000000}`:                                       "",
	`{"version":1,"verb":"start","job":"a","in":-1}`:                                               BadRequest,
	`{"version":1,"verb":"start","job":"a","in":9000000000000000000}`:                              BadRequest,
	`{"version":1,"verb":"restart","job":"a","in":1}`:                                              BadRequest,
	`{"version":1,"verb":"disable","job":"a","reason":"x y"}`:                                      "",
	`{"version":1,"verb":"disable","all":true}`:                                                    "",
	`{"version":1,"verb":"enable","all":true}`:                                                     "",
	`{"version":1,"verb":"enable","job":"a"}`:                                                      "",
	`{"version":1,"verb":"enable","job":"a","all":true}`:                                           BadRequest,
	`{"version":1,"verb":"enable","job":"a","reason":"x"}`:                                         BadRequest,
	`{"version":1,"verb":"disable"}`:                                                               BadRequest,
	`{"version":1,"verb":"stop","all":true}`:                                                       BadRequest,
	`{"version":1,"verb":"disable","job":"a","reason":"\u001b[2J"}`:                                BadRequest,
	`{"version":1,"verb":"disable","job":"a","reason":"` + strings.Repeat("x", MaxReason+1) + `"}`: BadRequest,
	`{"version":1,"verb":"start","job":"a","since":1}`:                                             BadRequest,
	`{"version":1,"verb":""}`:                                                                      BadRequest,
	`{"version":2,"verb":"start","anything":{}}`:                                                   BadVersion,
	`{"version":1,"verb":"reload"}{}`:                                                              BadRequest,
	`{"verb":"reload"}`:                                                                            BadRequest,
	`[]`:                                                                                           BadRequest,
	`null`:                                                                                         BadRequest,
	``:                                                                                             BadRequest,
	"{\"version\":1,\"verb\":\"start\",\"job\":\"a\",\"args\":[\"\xff\"]}":                         BadRequest,
	"\x00\x00": BadRequest,
}

func TestParse(t *testing.T) {
	for line, want := range requests {
		_, err := Parse([]byte(line))
		if got := codeOf(err); got != want {
			t.Errorf("Parse(%q): %q %v, want %q", line, got, err, want)
		}
	}
}

func codeOf(err *Error) Code {
	if err == nil {
		return ""
	}
	return err.Code
}

// FuzzParse: no input makes Parse panic, and an accepted request keeps its meaning when it is encoded again.
func FuzzParse(f *testing.F) {
	for line := range requests {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, bad := Parse(line)
		if bad != nil {
			if bad.Text == "" {
				t.Error("an error without a text")
			}
			return
		}
		for _, arg := range r.Args {
			if bytes.IndexByte([]byte(arg), 0) >= 0 {
				t.Errorf("Parse accepted a NUL in %q", arg)
			}
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		r2, bad := Parse(again)
		if len(r.Args) == 0 {
			r.Args = nil
		}
		if bad != nil || !reflect.DeepEqual(r, r2) {
			t.Errorf("%q: %+v, then %+v %v", line, r, r2, bad)
		}
	})
}

// TestManual: jobsd-control(7) documents every verb and every field of a request and an answer.
func TestManual(t *testing.T) {
	page, err := os.ReadFile("../../man/jobsd-control.7")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for verb, fields := range acceptedFields {
		if !strings.Contains(text, ".Ql "+verb+"\n") && !strings.Contains(text, ".Ql "+verb+" ") {
			t.Errorf("jobsd-control(7) does not document the verb %s", verb)
		}
		for _, field := range fields {
			if !strings.Contains(text, ".It Va "+field+"\n") {
				t.Errorf("jobsd-control(7) does not document %s of %s", field, verb)
			}
		}
	}
	for before, typ := range map[string]reflect.Type{".It Va ": reflect.TypeFor[Response](), "\n.It Va ": reflect.TypeFor[Reloaded](),
		"\n.Va ": reflect.TypeFor[Mistake]()} {
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(text, before+name+"\n") && !strings.Contains(text, before+name+" ,\n") {
				t.Errorf("jobsd-control(7) does not document %s of an answer", name)
			}
		}
	}
	for _, code := range []Code{BadRequest, BadVersion, Busy, NotPermitted, NoJob, Refused} {
		if !strings.Contains(text, ".It Ql "+string(code)+"\n") {
			t.Errorf("jobsd-control(7) does not document the code %s", code)
		}
	}
}
