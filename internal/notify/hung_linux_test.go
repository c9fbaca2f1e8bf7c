package notify

import (
	"testing"

	"jobsd/internal/fusetest"
)

// TestHungFiles: a URL, headers or an output on a file system that hangs cost only their own message, and only for as long
// as a request may take.
func TestHungFiles(t *testing.T) {
	dir, release := fusetest.Hang(t)
	defer release()
	const want = "cannot read url_file or headers_file: the disk does not answer"
	l := long
	l.http = brief
	for _, to := range []*HTTP{{URLFile: dir + "/url", Preset: "json"}, {URL: "http://127.0.0.1:1", HeadersFile: dir + "/headers", Preset: "ntfy"}} {
		m := message(failed())
		m.HTTP = to
		if got := deliver(t, newTest(l), m); got.Error != want || got.Final {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
}
