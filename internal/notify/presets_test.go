package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// received is a request as a service gets it.
type received struct {
	target string // path and query
	header http.Header
	body   string
}

// receive delivers a message and returns the requests that it makes.
func receive(t *testing.T, preset string, events ...Event) (list []received) {
	t.Helper()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != "POST" {
			t.Errorf("%s, %v", r.Method, err)
		}
		list = append(list, received{r.URL.String(), r.Header, string(body)})
	})
	m := message(events...)
	m.HTTP = &HTTP{URL: s.URL + "/topic?a=b", Preset: preset}
	if r := deliver(t, newTest(long), m); r.Error != "" {
		t.Fatalf("got %+v", r)
	}
	return list
}

// many are events of many jobs.
func many(n int) (events []Event) {
	for i := range n {
		e := failed()
		e.Job, e.ID = fmt.Sprintf("job%d", i), fmt.Sprintf("s-%d", i)
		events = append(events, e)
	}
	return events
}

// TestJSON tests all of a request of the preset json.
func TestJSON(t *testing.T) {
	got := receive(t, "json", event("start"), withOutput(t, failed(), "line \x1b[1mone\r\nGröße\xff"), event("daemon"))
	want := `{"id":"s-12","host":"alpha","text":"alpha: 3 events: backup has started; backup failed: exited 3 after 2.5s; something about the daemon","events":[` +
		`{"id":"s-12","kind":"start","job":"backup","description":"Save everything","at":"2026-03-01T04:00:02.500Z","run":7,"outcome":null,"exit_code":null,"signal":null,` +
		`"started_at":"2026-03-01T04:00:00Z","ended_at":null,"duration":null,"attempt":1,"text":"backup has started","recovered_from":null,"output":null,"output_cut":false,"output_error":null},` +
		`{"id":"s-12","kind":"failure","job":"backup","description":"Save everything","at":"2026-03-01T04:00:02.500Z","run":7,"outcome":"exited","exit_code":3,"signal":null,` +
		`"started_at":"2026-03-01T04:00:00Z","ended_at":"2026-03-01T04:00:02.500Z","duration":2.5,"attempt":1,"text":"backup failed: exited 3 after 2.5s","recovered_from":null,` +
		`"output":"line ?[1mone\nGröße?\n","output_cut":false,"output_error":null},` +
		`{"id":"s-12","kind":"daemon","job":null,"description":"Save everything","at":"2026-03-01T04:00:02.500Z","run":null,"outcome":null,"exit_code":null,"signal":null,` +
		`"started_at":null,"ended_at":null,"duration":null,"attempt":null,"text":"something about the daemon","recovered_from":null,"output":null,"output_cut":false,"output_error":null}],"more":0}`
	if len(got) != 1 || got[0].body != want || got[0].target != "/topic?a=b" || got[0].header.Get("Content-Type") != "application/json" {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestRecoveredFrom: a recovery says from what: in the subject of a mail and the like, in JSON, and to commands.
func TestRecoveredFrom(t *testing.T) {
	for from, want := range map[string]string{
		"":                  "backup has recovered: exited 0 after 2.5s", // recorded by an older daemon
		"failure":           "backup has recovered: exited 0 after 2.5s",
		"late":              "backup is no longer late: exited 0 after 2.5s",
		"slow":              "backup is no longer slow: exited 0 after 2.5s",
		"late slow":         "backup is no longer late or slow: exited 0 after 2.5s",
		"failure late":      "backup has recovered and is no longer late: exited 0 after 2.5s",
		"failure late slow": "backup has recovered and is no longer late or slow: exited 0 after 2.5s",
	} {
		e := event("recovery")
		if from != "" {
			e.RecoveredFrom = strings.Fields(from)
		}
		var got jsonMessage
		must(t, json.Unmarshal([]byte(receive(t, "json", e)[0].body), &got))
		m := message(e)
		if has := got.Events[0]; has.Text != want || !slices.Equal(has.From, e.RecoveredFrom) || m.title() != "alpha: "+want {
			t.Errorf("from %q: %q %q, title %q, want %q", from, has.Text, has.From, m.title(), want)
		}
		if env := m.variables(&e); slices.Contains(env, "JOBSD_RECOVERED_FROM="+from) != (from != "") {
			t.Errorf("from %q: %q", from, env)
		}
	}
	e := event("recovery")
	e.RecoveredFrom, e.Run, e.Text = []string{"late"}, nil, "it has more time now"
	if got := e.headline(); got != "backup is no longer late: it has more time now" {
		t.Error(got)
	}
}

// TestJSONFolded: a message about many events has the first ones and the number of the others. Long output is cut at a
// line, and missing output has a reason.
func TestJSONFolded(t *testing.T) {
	events := many(25)
	events[0] = withOutput(t, events[0], strings.Repeat("0123456789\n", 2000))
	events[1].Output = &Output{Run: 7, Gone: "its log is discarded"}
	var got jsonMessage
	must(t, json.Unmarshal([]byte(receive(t, "json", events...)[0].body), &got))
	if len(got.Events) != maxEvents || got.More != 5 || got.Events[19].ID != "s-19" {
		t.Errorf("%d events and %d more", len(got.Events), got.More)
	}
	e := got.Events[0]
	if e.Output == nil || !e.OutputCut || len(*e.Output) > maxTail || len(*e.Output) < maxTail-100 || strings.Trim(*e.Output, "0123456789\n") != "" ||
		!strings.HasPrefix(*e.Output, "0123456789\n") {
		t.Errorf("output %v, cut %v", e.Output, e.OutputCut)
	}
	if e := got.Events[1]; e.Output != nil || e.OutputError == nil || *e.OutputError != "jobsd has no output of it: its log is discarded" {
		t.Errorf("got %+v", e)
	}
}

// TestNtfy compares requests with what ntfy documents: a text of at most 4,096 bytes in the body, and headers.
func TestNtfy(t *testing.T) {
	e := withOutput(t, failed(), "line one\nGröße")
	got := receive(t, "ntfy", e)[0]
	want := e.story("alpha") + "\nIts output:\n\nline one\nGröße\n"
	if got.body != want || got.target != "/topic?a=b" {
		t.Errorf("got %s %q, want %q", got.target, got.body, want)
	}
	for name, want := range map[string]string{"Title": "alpha: backup failed: exited 3 after 2.5s", "Priority": "high", "Tags": "warning",
		"Content-Type": "text/plain; charset=utf-8"} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s: got %q, want %q", name, value, want)
		}
	}
	for kind, want := range map[string][2]string{"recovery": {"default", "white_check_mark"}, "success": {"default", "white_check_mark"},
		"start": {"default", ""}, "test": {"default", ""}, "late": {"high", "warning"}, "slow": {"high", "warning"}, "crash_loop": {"high", "warning"}} {
		header := receive(t, "ntfy", event(kind))[0].header
		if got := [2]string{header.Get("Priority"), header.Get("Tags")}; got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
	e = withOutput(t, failed(), strings.Repeat("Größe\n", 3000))
	e.Job = "größe"
	got = receive(t, "ntfy", e)[0]
	if n := len(got.body); n > maxNtfy || n < maxNtfy-10 || !utf8.ValidString(got.body) || !strings.Contains(got.body, "The end of its output:\n\nGröße\nGröße\n") {
		t.Errorf("%d bytes: %.400s", n, got.body)
	}
	title := got.header.Get("Title")
	decoded, err := new(mime.WordDecoder).DecodeHeader(title)
	if err != nil || decoded != "alpha: größe failed: exited 3 after 2.5s" || strings.Trim(title, " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz") != "" {
		t.Errorf("title %q, %q, %v", title, decoded, err)
	}
	e.Text, e.Kind = strings.Repeat("ö", 9000), "daemon"
	got = receive(t, "ntfy", e)[0]
	if decoded, err = new(mime.WordDecoder).DecodeHeader(got.header.Get("Title")); err != nil || len(decoded) > 1000 || len(got.body) > maxNtfy || !utf8.ValidString(got.body) {
		t.Errorf("a title of %d bytes, a body of %d", len(decoded), len(got.body))
	}
}

// TestFolded: a phone or a chat gets a list of many events.
func TestFolded(t *testing.T) {
	for _, preset := range []string{"ntfy", "slack"} {
		got := receive(t, preset, many(25)...)[0].body
		if !strings.Contains(got, "job0 failed") || !strings.Contains(got, "job19 failed") || strings.Contains(got, "job20") || !strings.Contains(got, "and 5 more") {
			t.Errorf("%s: got %s", preset, got)
		}
		if preset == "slack" && !strings.HasPrefix(got, `{"text":"alpha: 25 events:\njob0 failed`) {
			t.Errorf("got %s", got)
		}
	}
}

// TestSlack compares requests with what Slack documents: JSON with a text, in which three characters are entities, of
// at most 4,000 characters.
func TestSlack(t *testing.T) {
	text := func(e Event) string {
		got := receive(t, "slack", e)[0]
		var message map[string]string
		must(t, json.Unmarshal([]byte(got.body), &message))
		if len(message) != 1 || got.header.Get("Content-Type") != "application/json" || got.target != "/topic?a=b" {
			t.Errorf("got %+v", got)
		}
		return message["text"]
	}
	e := withOutput(t, failed(), "a < b && c > d\n```\nGröße")
	e.Description = "<!channel>"
	want := "alpha: " + strings.Replace(e.story("alpha"), "<!channel>", "&lt;!channel&gt;", 1) + "\n```\na &lt; b &amp;&amp; c &gt; d\n'''\nGröße\n```"
	if got := text(e); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	entity := regexp.MustCompile(`&(amp|lt|gt);`)
	for _, line := range []string{"<<<<&&&&>>>>\n", "text\n", "&", "ö"} {
		got := text(withOutput(t, failed(), strings.Repeat(line, 9000/len(line))))
		rest := entity.ReplaceAllString(got, "")
		if len(got) > maxSlack || strings.ContainsAny(rest, "&<>") || strings.Count(got, fence) != 2 || !strings.HasSuffix(got, "\n"+fence) || len(got) < maxSlack/3 {
			t.Errorf("%q: %d bytes: %.500s", line, len(got), got)
		}
	}
	e = event("daemon")
	e.Text = strings.Repeat("&", 9000)
	if got := text(e); len(got) > maxSlack || strings.ContainsAny(entity.ReplaceAllString(got, ""), "&") {
		t.Errorf("%d bytes", len(got))
	}
}

// TestHealthchecks compares requests with what Healthchecks documents: URL/start, URL, URL/fail, URL/EXITCODE and
// URL/log, with a UUID that is the same at the start and the end of a run.
func TestHealthchecks(t *testing.T) {
	killed := failed()
	killed.Run.Outcome, killed.Run.ExitCode, killed.Run.Signal = "signaled", nil, new("KILL")
	stopped := failed()
	stopped.Run.Outcome = "timeout"
	next := event("success")
	next.Run.Run++
	recovered := event("recovery") // the success of this run was in an earlier message
	recovered.Run.Run += 2
	byPerson := withOutput(t, failed(), "not shown")
	byPerson.Kind, byPerson.Run.Outcome, byPerson.Run.By, byPerson.Run.ExitCode = "stopped", "stopped", new("root (uid 0)"), nil
	got := receive(t, "healthchecks", event("start"), withOutput(t, failed(), "line one"), killed, stopped, event("recovery"), event("success"), event("late"))
	got = append(got, receive(t, "healthchecks", event("slow"), event("crash_loop"), event("daemon"), next, recovered, byPerson)...)
	rid := runID("alpha", "backup", 7)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(rid) {
		t.Errorf("%s is not a UUID", rid)
	}
	for i, want := range []struct{ target, body string }{
		{"/topic/start?a=b&rid=" + rid, ""},
		{"/topic/3?a=b&rid=" + rid, "line one\n"},
		{"/topic/fail?a=b&rid=" + rid, "backup failed: signaled KILL after 2.5s\n"},
		{"/topic/fail?a=b&rid=" + rid, "backup failed: timeout (exit code 3) after 2.5s\n"},
		{"/topic?a=b&rid=" + rid, "backup succeeded: exited 0 after 2.5s\n"},
		{"/topic/fail?a=b", "backup is late: details\n"},
		{"/topic/fail?a=b", "backup is slow: details\n"},
		{"/topic/fail?a=b&rid=" + rid, "backup is in a crash loop: exited 3 after 2.5s\n"},
		{"/topic/fail?a=b", "something about the daemon\n"},
		{"/topic?a=b&rid=" + runID("alpha", "backup", 8), "backup succeeded: exited 0 after 2.5s\n"},
		{"/topic?a=b&rid=" + runID("alpha", "backup", 9), "backup has recovered: exited 0 after 2.5s\n"},
		{"/topic/log?a=b&rid=" + rid, "backup did not finish: stopped by root (uid 0) after 2.5s\n"},
	} {
		if i >= len(got) || got[i].target != want.target || got[i].body != want.body {
			t.Fatalf("ping %d: got %+v, want %+v", i, got[i:], want)
		}
	}
	if got := receive(t, "healthchecks", many(50)...); len(got) != maxPings || got[0].header.Get("Idempotency-Key") != fmt.Sprint("s-", 50-maxPings) || got[maxPings-1].header.Get("Idempotency-Key") != "s-49" {
		t.Errorf("%d pings", len(got))
	}
}

// TestPingsInTime: a message with the most pings has enough time for all of them, however slow the receiver is. Otherwise
// each attempt would send the first ones again and never reach the last.
func TestPingsInTime(t *testing.T) {
	if longest := maxPings * usual.http; longest > usual.message {
		t.Errorf("%d pings may take %s, a message only %s", maxPings, longest, usual.message)
	}
}

// TestHealthchecksFailure: no ping follows one that failed, and the next attempt begins with the first one.
func TestHealthchecksFailure(t *testing.T) {
	var paths []string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if paths = append(paths, r.URL.Path); len(paths) == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	m := message(event("start"), failed(), event("start"))
	m.HTTP = &HTTP{URL: s.URL, Preset: "healthchecks"}
	first, second := deliver(t, newTest(long), m), deliver(t, newTest(long), m)
	if first.Error == "" || first.Final || second.Error != "" || fmt.Sprint(paths) != "[/start /3 /start /3 /start]" {
		t.Errorf("got %+v, %+v, requests %v", first, second, paths)
	}
}

// TestHeartbeat: a heartbeat is a GET without an event. Its errors need no name.
func TestHeartbeat(t *testing.T) {
	code := http.StatusOK
	var got []string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, kind := r.Header["Content-Type"]
		_, id := r.Header["Idempotency-Key"]
		got = append(got, fmt.Sprint(r.Method, " ", r.URL, " ", kind, id, r.ContentLength))
		w.WriteHeader(code)
	})
	m := message()
	m.HTTP = &HTTP{URL: s.URL + "/topic?a=b", Preset: Heartbeat}
	if r := deliver(t, newTest(long), m); r.Error != "" || fmt.Sprint(got) != "[GET /topic?a=b false false 0]" {
		t.Errorf("got %+v, %q", r, got)
	}
	code = http.StatusNotFound
	if r := deliver(t, newTest(long), m); r.Error != "the receiver answered 404 Not Found" {
		t.Errorf("got %+v", r)
	}
}
