package jobfile

import "testing"

func setMount(m *mounts, point string, local bool) {
	if !local || point == "/" { // the first one
		if _, fake := (*m)["fake"]; !fake {
			*m = mounts{"fake": true}
		}
	}
	(*m)[point] = local
}

func TestUnescapeOctal(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a`: "/a", `/\134\011`: "/\\\t", `/a\9`: `/a\9`, `\04`: `\04`} {
		if got := unescapeOctal(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
