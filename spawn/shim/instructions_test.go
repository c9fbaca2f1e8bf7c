package shim

import (
	"reflect"
	"strings"
	"testing"
)

// setenv makes the environment of this test the one of a shim.
func setenv(t *testing.T, env []string) {
	for _, s := range env {
		name, value, _ := strings.Cut(s, "=")
		if name != "GOMAXPROCS" && name != "GOGC" {
			t.Setenv(name, value)
		}
	}
}

func TestInstructionsArriveUnchanged(t *testing.T) {
	odd := "a=b ,\n\t\xff 'é\""
	for name, sent := range map[string]*Instructions{
		"least": {Args: []string{""}, Umask: -1},
		"most": {
			Path: "/bin/" + odd, Args: []string{"x", "", odd}, Env: []string{"A=", odd, "args=7", "uid=0"}, Dir: odd, DirOptional: true,
			EnvFile: odd, Umask: 0o777, Nice: -20, Keyring: true, User: &User{UID: 1<<32 - 1, GID: 1 << 31, Groups: []uint32{0, 7, 1<<32 - 2}},
			Limits: []Limit{{Name: "core", Resource: 4, Value: 1<<64 - 1}, {Name: "odd", Resource: -1}},
		},
		"no groups": {Args: []string{"x"}, User: &User{}},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, sent.Environ())
			if got := received(); !reflect.DeepEqual(got, sent) {
				t.Errorf("got  %+v\nwant %+v", got, sent)
			}
		})
	}
}

// Instructions that are not complete must not start anything.
func TestBrokenInstructions(t *testing.T) {
	for _, env := range [][]string{
		{},
		{"args=0", "vars=0", "umask=-1", "nice=0"},
		{"args=-1", "vars=0", "umask=-1", "nice=0"},
		{"args=2", "vars=0", "umask=-1", "nice=0", "a0=x"},
		{"args=1", "vars=0", "umask=", "nice=0", "a0=x"},
		{"args=1", "vars=0", "nice=0", "a0=x"},
		{"args=1", "vars=1", "umask=-1", "nice=0", "a0=x"},
		{"args=1", "vars=0", "umask=-1", "nice=0", "a0=x", "uid=0"},
		{"args=1", "vars=0", "umask=-1", "nice=0", "a0=x", "uid=0", "gid=0", "groups=1,,2"},
		{"args=1", "vars=0", "umask=-1", "nice=0", "a0=x", "limits=core 4"},
	} {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			setenv(t, env)
			if got := received(); got != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	for _, s := range []string{"a", ",", "a,b", ",a,,b,", "a,"} {
		if got, want := split(s, ','), strings.Split(s, ","); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	if got := split("", ','); got != nil {
		t.Errorf("got %q for nothing", got)
	}
}

func TestReport(t *testing.T) {
	stage, errno, path, detail, ok := Report([]byte("exec\x002\x00x y\x00/bin:/usr/bin\x00"))
	if stage != "exec" || errno != 2 || path != "x y" || detail != "/bin:/usr/bin" || !ok {
		t.Error(stage, errno, path, detail, ok)
	}
	for _, s := range []string{"", "exec", "exec\x002\x00x\x00", "exec\x002\x00x\x00y", "\x002\x00x\x00y\x00", "exec\x00x\x00x\x00y\x00"} {
		if _, _, _, _, ok := Report([]byte(s)); ok {
			t.Errorf("%q is a report", s)
		}
	}
}
