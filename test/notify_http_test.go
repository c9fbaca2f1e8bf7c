package test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestPresets sends each kind of event to a target of each preset, and compares the requests with what the services
// document. With -v, it prints the requests as the receivers got them.
func TestPresets(t *testing.T) {
	t.Parallel()
	h := newReceivers(t, nil)
	s := newServer(t)
	presets := []string{"json", "ntfy", "slack", "healthchecks"}
	settings := ""
	for _, preset := range presets {
		settings += fmt.Sprintf("[notify.%s]\nurl = %q\npreset = %q\n", preset, h.URL+"/"+preset, preset)
	}
	s.settings(settings)
	told := "notify = {to = [\"json\", \"ntfy\", \"slack\", \"healthchecks\"], on = [\"start\", \"success\", \"failure\", \"recovery\", \"late\", \"slow\"]}\n"
	well, done := filepath.Join(s.root, "well"), filepath.Join(s.root, "done")
	s.writeJobs("backup.toml", fmt.Sprintf("description = \"all <photos>\"\nshell = \"echo Größe \\\"&\\\" '```'; [ -e %s ] || exit 3\"\n%s", well, told))
	s.startReady()

	n := 0
	expect := func(kinds ...string) { // the preset json gets these events, and the others as many requests
		t.Helper()
		n++
		for _, preset := range presets[:3] {
			h.wait(preset, n)
		}
		var got []string
		for _, e := range h.wait("json", n)[n-1].json(t).Events {
			got = append(got, e.Kind)
		}
		if !slices.Equal(got, kinds) {
			t.Errorf("message %d has the events %v, want %v", n, got, kinds)
		}
		s.waitFor("all answers", func() bool { return len(s.owed()) == 0 })
	}
	s.command("start", "--wait", "backup").Run() // fails as the job does
	expect("start")
	expect("failure")
	writeFile(t, well, "")
	s.jobsd("start", "--wait", "backup")
	expect("start")
	expect("recovery", "success")
	s.writeJobs("rare.toml", "every = \"1h\"\ncmd = [\"true\"]\nexpect = {success_within = \"1s\"}\n"+told)
	s.reloadByHUP()
	expect("late")
	s.writeJobs("long.toml", fmt.Sprintf("shell = \"until [ -e %s ]; do sleep 0.1; done\"\nexpect = {done_within = \"1s\"}\n%s", done, told))
	s.reloadByHUP()
	s.jobsd("start", "long")
	expect("start")
	expect("slow")
	writeFile(t, done, "")
	expect("success")
	s.terminate()

	for _, preset := range presets {
		for i, r := range h.of(preset) {
			t.Logf("%s, request %d\n%s\n", preset, i+1, r.String())
			if r.method != http.MethodPost || r.header.Get("Idempotency-Key") == "" || r.header.Get("User-Agent") != "jobsd/test" {
				t.Errorf("%s: got %s with the headers %v", preset, r.method, r.header)
			}
		}
	}
	checkJSON(t, h.of("json"))
	checkNtfy(t, h.of("ntfy"))
	checkSlack(t, h.of("slack"))
	checkHealthchecks(t, h.of("healthchecks"))
}

const written = "Größe & ```\n" // what the job backup writes

func checkJSON(t *testing.T, got []received) {
	failure := got[1].json(t)
	if len(failure.Events) != 1 {
		t.Fatalf("got the events %+v, want one", failure.Events)
	}
	e := failure.Events[0]
	if e.Job != "backup" || e.Outcome == nil || *e.Outcome != "exited" || e.ExitCode == nil || *e.ExitCode != 3 || e.Output == nil || *e.Output != written {
		t.Errorf("got the failure %s", got[1].body)
	}
	if failure.ID != e.ID {
		t.Errorf("a message with one event has the id %s, and the event has the id %s", failure.ID, e.ID)
	}
	if late := got[4].json(t).Events[0]; late.Job != "rare" || late.Text != "rare is late: no success for 1s" || late.Run != nil || late.Output != nil {
		t.Errorf("got the event %+v, want that rare is late", late)
	}
	if slow := got[6].json(t).Events[0]; slow.Job != "long" || slow.Outcome != nil || slow.Run == nil || slow.Output != nil {
		t.Errorf("got the event %+v, want that long is slow", slow)
	}
}

// checkNtfy: the body is the message, and Title, Priority and Tags are headers.
func checkNtfy(t *testing.T, got []received) {
	for i, want := range []struct{ title, priority, tags, body string }{
		{"backup has started", "default", "", "about:     all <photos>"},
		{"backup failed: exited 3", "high", "warning", "Its output:\n\n" + written},
		{"backup has started", "default", "", ""},
		{"2 events: backup has recovered", "default", "white_check_mark", "backup succeeded: exited 0"},
		{"rare is late", "high", "warning", "no success for 1s"},
		{"long has started", "default", "", ""},
		{"long is slow", "high", "warning", "has not ended within 1s"},
		{"long succeeded", "default", "white_check_mark", ""},
	} {
		r := got[i]
		title, err := new(mime.WordDecoder).DecodeHeader(r.header.Get("Title"))
		if err != nil || !strings.Contains(title, want.title) || r.header.Get("Priority") != want.priority || r.header.Get("Tags") != want.tags ||
			!strings.Contains(r.body, want.body) || len(r.body) > 4096 {
			t.Errorf("ntfy got\n%s\nwant %+v", r.String(), want)
		}
	}
}

// checkSlack: JSON with a text, in which &, < and > are entities, and backticks that are not ours do not end the block.
func checkSlack(t *testing.T, got []received) {
	r := got[1]
	for _, want := range []string{`{"text":"`, `: backup failed: exited 3`, `all &lt;photos&gt;`, "```\\nGröße &amp; '''\\n```"} {
		if !strings.Contains(r.body, want) || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("slack got\n%s\nwant %s", r.String(), want)
		}
	}
}

// checkHealthchecks: the path says what happened, and the start and the end of a run have the same rid.
func checkHealthchecks(t *testing.T, got []received) {
	want := []string{"/start", "/3", "/start", "", "/fail", "/start", "/fail", ""} // one ping for the recovery and the success
	if len(got) != len(want) {
		t.Fatalf("healthchecks got %d pings, want %d", len(got), len(want))
	}
	rid := make([]string, len(got))
	for i, r := range got {
		path, query, _ := strings.Cut(strings.TrimPrefix(r.path, "/healthchecks"), "?")
		if rid[i] = strings.TrimPrefix(query, "rid="); path != want[i] {
			t.Errorf("ping %d is %s, want %q", i+1, r.path, want[i])
		}
	}
	if rid[0] != rid[1] || rid[2] != rid[3] || rid[0] == rid[2] || rid[4] != "" || rid[5] != rid[6] || rid[6] != rid[7] {
		t.Errorf("got the runs %q", rid)
	}
	if got[1].body != written {
		t.Errorf("the ping of the failure has the body %q, want %q", got[1].body, written)
	}
}

// TestUnrulyReceivers delivers the same failure to receivers that do not answer as they should. Each gets the message
// until it takes it, always with the same identifier, and none delays the message for another.
func TestUnrulyReceivers(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the host that a redirect names got %s", r.URL)
	}))
	defer other.Close()
	release := make(chan struct{})
	large := bytes.Repeat([]byte("x"), 10<<20)
	h := newReceivers(t, func(w http.ResponseWriter, r *http.Request, got []received) {
		n := len(got)
		switch name, rest, _ := strings.Cut(r.URL.Path[1:], "/"); {
		case name == "flaky" && n <= 3:
			w.WriteHeader(http.StatusInternalServerError)
		case name == "busy" && n == 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case name == "closes" && n <= 2:
			panic(http.ErrAbortHandler) // closes the connection
		case name == "hangs" && n == 1:
			<-release
		case name == "large":
			w.Write(large)
		case name == "drips" && n == 1: // the status counts, and the body is not awaited for long
			w.Write([]byte("."))
			w.(http.Flusher).Flush()
			<-release
		case name == "moves" && rest == "":
			http.Redirect(w, r, "/moves/there", http.StatusTemporaryRedirect)
		case name == "leaves":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case name == "gone":
			w.WriteHeader(http.StatusNotFound)
		}
	})
	defer close(release)
	unknown := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the server with an unknown certificate got %s", r.URL)
	}))
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	unknown.StartTLS()
	defer unknown.Close()

	s := newServer(t)
	s.env = []string{deliveryPause + "=100ms"}
	want := map[string]int{"works": 1, "flaky": 4, "busy": 2, "closes": 3, "hangs": 2, "large": 1, "drips": 1, "moves": 2, "leaves": 2, "gone": 1}
	settings, names := fmt.Sprintf("[notify.unknown]\nurl = %q\n", unknown.URL), []string{`"unknown"`}
	for name := range want {
		settings += fmt.Sprintf("[notify.%s]\nurl = %q\n", name, h.URL+"/"+name)
		names = append(names, fmt.Sprintf("%q", name))
	}
	s.settings(settings)
	s.writeJobs("fails.toml", "cmd = [\"false\"]\nnotify = {to = ["+strings.Join(names, ", ")+"]}\n")
	s.startReady()
	s.command("start", "--wait", "fails").Run() // fails as the job does
	for name, n := range want {
		got := h.wait(name, n)
		for _, r := range got {
			if key := r.header.Get("Idempotency-Key"); key != got[0].header.Get("Idempotency-Key") || r.json(t).ID != key {
				t.Errorf("%s got the key %s and the body %s, want always the same", name, key, r.body)
			}
		}
	}
	s.waitFor("all to be answered but the two that are repeated", func() bool { return len(s.owed()) == 2 })
	for name, why := range map[string]string{
		"unknown": "the certificate of the receiver is signed by an unknown authority",
		"leaves":  "the receiver answered 307 Temporary Redirect: jobsd follows redirects only to the same host",
		"gone":    "the receiver answered 404 Not Found",
	} {
		text := strings.Join(s.waitState("the trouble of "+name, func(state *statefile.State) bool {
			return slices.ContainsFunc(state.Daemon.Degraded, func(text string) bool {
				return strings.HasPrefix(text, "cannot notify "+name+": ")
			})
		}).Daemon.Degraded, "\n")
		if !strings.Contains(text, why) {
			t.Errorf("%s: got\n%s\nwant %s", name, text, why)
		}
	}
	s.waitLogged("the receiver did not answer within 10s")
	s.terminate()
	delete(want, "leaves") // its message was repeated until the end
	for name, n := range want {
		got := h.of(name)
		if len(got) != n {
			t.Errorf("%s got %d requests, want %d", name, len(got), n)
		}
		if again := h.of("hangs")[1].at; name != "hangs" && got[len(got)-1].at.After(again) {
			t.Errorf("%s got its message only after the receiver that hangs was given up", name)
		}
	}
}
