package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Each of these stands in the URL or the headers of a receiver, and must never be shown.
var secrets = []string{"SecretUser", "SecretPassword", "SecretPath", "SecretQuery", "SecretHeader", "SecretRedirect", "SecretProxy", "SecretBody", "127.0.0.1", "localhost"}

// secretURL returns the URL of a server with secrets in all its parts.
func secretURL(base string) string {
	u, _ := url.Parse(base)
	u.User, u.Path, u.RawQuery = url.UserPassword("SecretUser", "SecretPassword"), "/SecretPath", "q=SecretQuery"
	return u.String()
}

// toHTTP returns a message for a receiver whose URL and headers are in files.
func toHTTP(t *testing.T, base, preset string, events ...Event) *Message {
	t.Helper()
	dir := t.TempDir()
	m := message(events...)
	m.HTTP = &HTTP{Preset: preset,
		URLFile:     write(t, filepath.Join(dir, "url"), secretURL(base)+"\nanother line\n", 0o600),
		HeadersFile: write(t, filepath.Join(dir, "headers"), "# a comment\n\nX-Token: SecretHeader\n", 0o600)}
	return m
}

// server starts a server on loopback.
func server(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

// raw starts a server that does with each connection what handle does.
func raw(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

// TestHTTPOnce: a receiver gets one request, with the headers of the file and the secrets of the URL.
func TestHTTPOnce(t *testing.T) {
	var n atomic.Int32
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		user, password, _ := r.BasicAuth()
		for what, pair := range map[string][2]string{
			"method":          {r.Method, "POST"},
			"user":            {user + " " + password, "SecretUser SecretPassword"},
			"URL":             {r.URL.String(), "/SecretPath?q=SecretQuery"},
			"X-Token":         {r.Header.Get("X-Token"), "SecretHeader"},
			"User-Agent":      {r.Header.Get("User-Agent"), "jobsd/1.2.3"},
			"Idempotency-Key": {r.Header.Get("Idempotency-Key"), "s-12"},
			"Content-Type":    {r.Header.Get("Content-Type"), "application/json"},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
			}
		}
		w.WriteHeader(http.StatusAccepted)
	})
	got := deliver(t, newTest(long), toHTTP(t, s.URL, "json", failed()))
	if got != (Result{Answer: "202 Accepted"}) || n.Load() != 1 {
		t.Errorf("got %+v after %d requests", got, n.Load())
	}
}

// TestHTTPAgain: each message is one attempt, also after failures, and always with the same identifier.
func TestHTTPAgain(t *testing.T) {
	var keys []string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) <= 3 {
			http.Error(w, "SecretBody", http.StatusInternalServerError)
		}
	})
	m := toHTTP(t, s.URL, "json", failed())
	for n := range 4 {
		want := Result{Answer: "500 Internal Server Error", Error: "the receiver answered 500 Internal Server Error"}
		if n == 3 {
			want = Result{Answer: "200 OK"}
		}
		if got := deliver(t, newTest(long), m); got != want {
			t.Errorf("attempt %d: got %+v, want %+v", n+1, got, want)
		}
	}
	if fmt.Sprint(keys) != "[s-12 s-12 s-12 s-12]" {
		t.Errorf("got the identifiers %v", keys)
	}
}

// TestHTTPFailures: the result says in words of its own what is wrong, whether another attempt makes sense, and nothing
// that could be secret.
func TestHTTPFailures(t *testing.T) {
	status := func(code int) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "SecretBody", code) }).URL
	}
	redirect := func(code int, to string) string {
		return server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" && r.Header.Get("Idempotency-Key") != "" { // not a heartbeat
				t.Error("a redirect turned the request into GET")
			}
			w.Header().Set("Location", to)
			w.WriteHeader(code)
		}).URL
	}
	other := server(t, func(http.ResponseWriter, *http.Request) { t.Error("another host got the request") })
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	closed := httptest.NewServer(nil)
	closed.Close()
	tls := httptest.NewUnstartedServer(nil)
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	defer tls.Close()
	const follows = ": jobsd follows redirects only to the same host, and only with the status 307 or 308"
	for _, test := range []struct {
		name, base, want string
		final            bool
	}{
		{"400", status(400), "the receiver answered 400 Bad Request", true},
		{"404", status(404), "the receiver answered 404 Not Found", true},
		{"408", status(408), "the receiver answered 408 Request Timeout", false},
		{"429", status(429), "the receiver answered 429 Too Many Requests", false},
		{"503", status(503), "the receiver answered 503 Service Unavailable", false},
		{"599", status(599), "the receiver answered 599", false},
		{"302 to the same host", redirect(302, "/SecretRedirect"), "the receiver answered 302 Found" + follows, false},
		{"303 to the same host", redirect(303, "/SecretRedirect"), "the receiver answered 303 See Other" + follows, false},
		{"307 to another host", redirect(307, elsewhere+"/SecretRedirect"), "the receiver answered 307 Temporary Redirect" + follows, false},
		{"308 to another port", redirect(308, other.URL+"/SecretRedirect"), "the receiver answered 308 Permanent Redirect" + follows, false},
		{"307 for ever", redirect(307, "/SecretRedirect"), "the receiver answered 307 Temporary Redirect" + follows, false},
		{"307 to nonsense", redirect(307, "http://[SecretRedirect"), "the receiver redirects to a URL that is not valid", false},
		{"no server", closed.URL, "connection failed: connection refused", false},
		{"bad certificate", tls.URL, "the certificate of the receiver is signed by an unknown authority", false},
		{"HTTP to HTTPS", strings.Replace(status(200), "http:", "https:", 1), "the receiver answered with HTTP to HTTPS", false},
		{"hangs", raw(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "the receiver did not answer within 500ms", false},
		{"closes", raw(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 10))
			c.(*net.TCPConn).SetLinger(-1)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
		}),
			"the receiver closed the connection without an answer", false},
		{"resets", raw(t, func(c net.Conn) { io.ReadFull(c, make([]byte, 10)); c.(*net.TCPConn).SetLinger(0); c.Close() }),
			"connection failed: connection reset by peer", false},
		{"no HTTP", raw(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 10))
			io.WriteString(c, "SecretBody\r\n\r\n")
			io.Copy(io.Discard, c)
		}), "the answer of the receiver is not HTTP", false},
		{"no end of the header", raw(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 10))
			io.WriteString(c, "HTTP/1.1 200 SecretBody\r\n")
			for { // the connection is closed in the end
				if _, err := io.WriteString(c, "X: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}), "the header of the answer is too large", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := long
			if test.name == "hangs" {
				l.http = 500 * time.Millisecond
			}
			for preset := range presets {
				got := deliver(t, newTest(l), toHTTP(t, test.base, preset, failed()))
				if got.Error != test.want || got.Final != test.final {
					t.Errorf("%s: got %+v, want %q", preset, got, test.want)
				}
				hideSecrets(t, got)
			}
		})
	}
}

func hideSecrets(t *testing.T, r Result) {
	t.Helper()
	text, err := json.Marshal(r)
	must(t, err)
	for _, secret := range secrets {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the result has %q: %s", secret, text)
		}
	}
}

// TestHTTPUnasked: what a receiver sends before it gets the request reaches neither the result nor the log of the daemon.
func TestHTTPUnasked(t *testing.T) {
	base := raw(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 500 SecretBody\r\nContent-Length: 0\r\n\r\n")
		io.Copy(io.Discard, c)
	})
	for range 20 { // whether the client notices depends on who is faster
		got := deliver(t, newTest(long), toHTTP(t, base, "json", failed()))
		if got.Error == "" || got.Final {
			t.Errorf("got %+v", got)
		}
		hideSecrets(t, got)
	}
	if log.Writer() != io.Discard {
		t.Error("net/http can write to the log")
	}
}

// TestHTTPProxy: a proxy that does not work is named as such, without its password.
func TestHTTPProxy(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	refuses := server(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	for _, test := range []struct{ proxy, want string }{
		{closed.URL, "cannot connect to the proxy: connection failed: connection refused"},
		{refuses.URL, "the proxy answered 407 Proxy Authentication Required"},
	} {
		proxy, err := url.Parse(strings.Replace(test.proxy, "http://", "http://SecretProxy:SecretProxy@", 1))
		must(t, err)
		d := newTest(long)
		d.client.Transport.(*http.Transport).Proxy = http.ProxyURL(proxy)
		got := deliver(t, d, toHTTP(t, "https://localhost:1", "json", failed()))
		if got.Error != test.want || got.Final {
			t.Errorf("got %+v, want %q", got, test.want)
		}
		hideSecrets(t, got)
	}
	got := deliver(t, newTest(long), toHTTP(t, "http://SecretHost.invalid", "json", failed()))
	if !strings.HasPrefix(got.Error, "the name of the host ") || strings.Contains(got.Error, "invalid") {
		t.Errorf("got %+v", got)
	}
}

// TestHTTPAnswers: whatever the body of an answer is, the status decides, and little of the body is read.
func TestHTTPAnswers(t *testing.T) {
	large := server(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for range 10 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
		t.Error("the whole answer was read")
	})
	if got := deliver(t, newTest(long), toHTTP(t, large.URL, "json", failed())); got != (Result{Answer: "200 OK"}) {
		t.Errorf("10 MB: got %+v", got)
	}
	slow := server(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not notice that the client leaves
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	l := long
	l.http = 500 * time.Millisecond
	if got := deliver(t, newTest(l), toHTTP(t, slow.URL, "json", failed())); got != (Result{Answer: "200 OK"}) {
		t.Errorf("slow body: got %+v", got)
	}
}

// TestHTTPRedirect: a redirect on the same host gets the same request.
func TestHTTPRedirect(t *testing.T) {
	for _, code := range []int{307, 308} {
		var first string
		var final atomic.Bool
		s := server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/new" {
				first = string(body)
				http.Redirect(w, r, "/new", code)
				return
			}
			final.Store(r.Method == "POST" && first == string(body) && first != "" && r.Header.Get("X-Token") == "SecretHeader")
		})
		if got := deliver(t, newTest(long), toHTTP(t, s.URL, "json", failed())); got != (Result{Answer: "200 OK"}) || !final.Load() {
			t.Errorf("%d: got %+v, the same request: %v", code, got, final.Load())
		}
	}
}

func TestSameHost(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"https://a/x", "https://a/y", true},
		{"http://a/x", "https://a/y", true},
		{"http://a:8080/x", "https://a:8443/y", true},
		{"https://a/x", "http://a/x", false},
		{"https://a/x", "https://b/x", false},
		{"https://a/x", "https://a:8443/x", false},
		{"http://a/x", "https://b/x", false},
	} {
		from, err := url.Parse(test.from)
		must(t, err)
		to, err := url.Parse(test.to)
		must(t, err)
		if got := sameHost(from, to); got != test.want {
			t.Errorf("%s to %s: got %v", test.from, test.to, got)
		}
	}
}

// TestHTTPInterrupted: a request ends when the deliverer must end.
func TestHTTPInterrupted(t *testing.T) {
	base := raw(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan Result)
	go func() { end <- newTest(long).deliver(ctx, toHTTP(t, base, "json", failed())) }()
	cancel()
	select {
	case <-end:
	case <-time.After(patience / 2):
		t.Error("it does not end")
	}
}

// TestRequestsTakeTooLong: there is one limit for all requests of a message, because the daemon gives up a process that
// does not answer in time.
func TestRequestsTakeTooLong(t *testing.T) {
	requests := make(chan struct{}, 10)
	release := make(chan struct{})
	r := server(t, func(http.ResponseWriter, *http.Request) {
		requests <- struct{}{}
		<-release
	})
	defer close(release)
	l := long
	l.message = brief
	m := message(event("start"), failed())
	m.HTTP = &HTTP{URL: r.URL, Preset: "healthchecks"}
	if got := deliver(t, newTest(l), m); got.Error != "the 2 requests of the message took longer than 50ms" || got.Final || len(requests) > 1 {
		t.Errorf("got %+v after %d requests", got, len(requests))
	}
}

// TestDiskHangsForOneEvent: there is one limit for the output of all events of a message.
func TestDiskHangsForOneEvent(t *testing.T) {
	e := withOutput(t, failed(), "text")
	reading, cancel := context.WithCancel(context.Background())
	cancel()
	if got := newTest(long).tail(reading, &e, maxTail); got.err != errHungDisk {
		t.Errorf("got %+v", got)
	}
}
