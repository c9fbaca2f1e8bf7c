package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jobsd/runner/core"
	"jobsd/statefile"
)

// deliveryPause is an environment variable with a duration, which stands for all pauses between two attempts to deliver
// a message. The usual ones are seconds to hours.
const deliveryPause = "TEST_DELIVERY_PAUSE"

func usePauses() {
	if pause, err := time.ParseDuration(os.Getenv(deliveryPause)); err == nil {
		core.DeliveryPauses = []time.Duration{pause}
	}
}

// receivers is a server for HTTP targets on this machine. The first part of the path names the target.
type receivers struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	got    map[string][]received
	answer func(w http.ResponseWriter, r *http.Request, got []received) // nil: 200
}

// received is a request as a receiver got it.
type received struct {
	at     time.Time
	method string
	path   string // with the query
	header http.Header
	body   string
}

func newReceivers(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, got []received)) *receivers {
	h := &receivers{t: t, got: map[string][]received{}, answer: answer}
	h.Server = httptest.NewServer(h)
	t.Cleanup(func() {
		h.CloseClientConnections() // of handlers that hang
		h.Close()
	})
	return h
}

func (h *receivers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h.mu.Lock()
	h.got[name] = append(h.got[name], received{time.Now(), r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	got := slices.Clone(h.got[name])
	h.mu.Unlock()
	if h.answer != nil {
		h.answer(w, r, got)
	}
}

// of returns what a target has got until now.
func (h *receivers) of(name string) []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got[name])
}

// wait waits until a target has got a number of requests, and returns them.
func (h *receivers) wait(name string, n int) (got []received) {
	h.t.Helper()
	err := poll(waitLimit, nil, func() bool {
		got = h.of(name)
		return len(got) >= n
	})
	if err != nil {
		h.t.Fatalf("%v: the target %s got %d requests, want %d", err, name, len(got), n)
	}
	return got
}

// String shows the request as it came, without what only the connection needs.
func (r *received) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.method, r.path)
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		if name != "Connection" && name != "Content-Length" && name != "Accept-Encoding" {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.header[name], ", "))
		}
	}
	return b.String() + "\n" + r.body
}

// jsonBody is what the tests read of a body with the preset json.
type jsonBody struct {
	ID     string
	Text   string
	More   int
	Events []struct {
		ID, Kind, Job, Text string
		Outcome, Output     *string
		Run                 *uint64
		ExitCode            *int `json:"exit_code"`
	}
}

func (r *received) json(t *testing.T) (b jsonBody) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &b); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return b
}

// settings writes jobsd.toml, which only its owner can read, as it has URLs.
func (s *server) settings(text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, "jobsd.toml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// notifications reads from the journal all notifications, by their numbers, and what became of them.
func (s *server) notifications() (all map[uint64]statefile.Notification, messages map[uint64][]uint64, last map[uint64]*statefile.Delivery) {
	s.t.Helper()
	all, messages, last = map[uint64]statefile.Notification{}, map[uint64][]uint64{}, map[uint64]*statefile.Delivery{}
	for e, err := range statefile.History(filepath.Join(s.root, "state")) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch r := e.Record.(type) {
		case *statefile.Message:
			messages[r.Number] = r.IDs
		case *statefile.Delivery:
			for _, id := range r.IDs {
				last[id] = r
			}
		}
		if f := reflect.ValueOf(e.Record).Elem().FieldByName("Notifications"); f.IsValid() {
			for _, o := range f.Interface().([]statefile.Notification) {
				all[o.ID] = o
			}
		}
	}
	return all, messages, last
}

// owed returns the notifications that are not delivered yet.
func (s *server) owed() (list []statefile.Notification) {
	s.t.Helper()
	all, _, last := s.notifications()
	for id, o := range all {
		if d := last[id]; d == nil || !d.RetryAt.IsZero() {
			list = append(list, o)
		}
	}
	return list
}

// numberOf returns the number of a notification. Its identifier is STATE-TIME-NUMBER.
func numberOf(t *testing.T, id string) uint64 {
	t.Helper()
	parts := strings.Split(id, "-")
	if len(parts) != 3 {
		t.Fatalf("the identifier %q has not three parts", id)
	}
	n, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		t.Fatalf("the identifier %q has no number: %v", id, err)
	}
	return n
}

// delivererOf returns the pid of the process that delivers notifications for a daemon, or 0.
func delivererOf(daemon int) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", daemon))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			line, _ := os.ReadFile("/proc/" + child + "/cmdline")
			if bytes.HasPrefix(line, []byte("jobsd:deliver\x00")) {
				pid, _ := strconv.Atoi(child)
				return pid
			}
		}
	}
	return 0
}
